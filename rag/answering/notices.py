"""The sentences of an answer that are about the answer itself, in eight languages."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.language import ReplyLanguage
from rag.text.markdown_escape import escape_words
from rag.types import AnswerReason

_STRAYED = ("no_citation", "unsupported")


@dataclass(frozen=True, slots=True)
class Notices:
    """The sentences of one language.

    `refusal` is for documents that do not answer, `strayed` for a model whose answer they do not support. If they can
    be quoted instead, `withdrawn` takes back what was streamed, and `model_strayed` stands below the quotes. `compare`
    stands between an answer and the quotes below it. `sources` has `{markers}`: those that a stream lacks. `more_items`
    has `{count}`, `not_found` has `{questions}`; `greeting` has `{contents}`, and `examples` leads in to a list of
    questions. `about` is an example: a question about `{topic}`.
    """

    refusal: str
    nearest: str
    no_model: str
    model_failed: str
    model_strayed: str
    withdrawn: str
    compare: str
    strayed: str
    sources: str
    truncated: str
    more_items: str
    not_found: str
    disagree: str
    greeting: str
    examples: str
    about: str


NOTICES: dict[ReplyLanguage, Notices] = {
    "zh": Notices(
        refusal="知识库里没有这个问题的答案。",
        nearest="最接近的内容在：",
        no_model="（未配置大模型，以上摘自原文。）",
        model_failed="（大模型没有应答，以上摘自原文。）",
        model_strayed="（大模型的回答在文档里没有依据，已换成原文摘录。）",
        withdrawn="以上回答在文档里没有依据，请不要采信。文档原文：",
        compare="以上是大模型的回答，请对照文档原文：",
        strayed="大模型的回答在知识库里没有依据，没有采用。",
        sources="来源：{markers}",
        truncated="（回答达到长度上限，没有写完。）",
        more_items="…（另有 {count} 项，见原文）",
        not_found="知识库里没有找到：{questions}",
        disagree="各文档的说法不一致：",
        greeting="你好！我根据知识库回答问题，里面有：{contents}。",
        examples="比如可以问：",
        about="“{topic}”讲了什么？",
    ),
    "en": Notices(
        refusal="The knowledge base does not answer this question.",
        nearest=" The nearest sections are:",
        no_model="(No chat model is configured; the above is quoted from the documents.)",
        model_failed="(The chat model did not answer; the above is quoted from the documents.)",
        model_strayed="(The documents do not support what the chat model wrote; the above is quoted from them.)",
        withdrawn="The documents do not support the answer above; please disregard it. They say:",
        compare="Please compare the answer above with the documents, which say:",
        strayed="The chat model gave an answer that the knowledge base does not support, so it is left out.",
        sources="Sources: {markers}",
        truncated="(The answer reached its length limit and is not complete.)",
        more_items="… ({count} more in the document)",
        not_found="Not found in the knowledge base: {questions}",
        disagree="The documents disagree:",
        greeting="Hello! I answer questions from a knowledge base. It holds: {contents}.",
        examples="For example, ask:",
        about="What does “{topic}” say?",
    ),
    "ja": Notices(
        refusal="この質問の答えはナレッジベースにありません。",
        nearest="近い内容は次の節にあります：",
        no_model="（チャットモデルが設定されていないため、文書から引用しました。）",
        model_failed="（チャットモデルが応答しなかったため、文書から引用しました。）",
        model_strayed="（チャットモデルの回答は文書に根拠がないため、文書からの引用に置き換えました。）",
        withdrawn="上の回答は文書に根拠がありません。採用しないでください。文書の記述：",
        compare="上の回答を文書の記述と照らし合わせてください：",
        strayed="チャットモデルの回答はナレッジベースに根拠がないため、表示しません。",
        sources="出典：{markers}",
        truncated="（回答が長さの上限に達し、途中で終わっています。）",
        more_items="…（ほか {count} 件は文書を参照）",
        not_found="ナレッジベースに見つかりませんでした：{questions}",
        disagree="文書によって内容が異なります：",
        greeting="こんにちは。ナレッジベースをもとに質問に答えます。内容：{contents}。",
        examples="たとえば、次のように聞けます：",
        about="「{topic}」には何が書かれていますか？",
    ),
    "ko": Notices(
        refusal="지식 베이스에 이 질문에 대한 답이 없습니다.",
        nearest=" 가장 가까운 내용:",
        no_model="(채팅 모델이 설정되지 않아 문서에서 인용했습니다.)",
        model_failed="(채팅 모델이 응답하지 않아 문서에서 인용했습니다.)",
        model_strayed="(채팅 모델의 답변은 문서에 근거가 없어 문서 인용으로 바꾸었습니다.)",
        withdrawn="위 답변은 문서에 근거가 없으니 참고하지 마세요. 문서의 내용:",
        compare="위 답변을 문서의 내용과 비교해 보세요:",
        strayed="채팅 모델의 답변은 지식 베이스에 근거가 없어 표시하지 않습니다.",
        sources="출처: {markers}",
        truncated="(답변이 길이 제한에 도달하여 끝까지 작성되지 않았습니다.)",
        more_items="… (문서에 {count}개 더 있음)",
        not_found="지식 베이스에서 찾지 못했습니다: {questions}",
        disagree="문서마다 내용이 다릅니다:",
        greeting="안녕하세요! 지식 베이스를 바탕으로 질문에 답합니다. 내용: {contents}.",
        examples="예를 들어 이렇게 물어보세요:",
        about="“{topic}”에는 어떤 내용이 있나요?",
    ),
    "es": Notices(
        refusal="La base de conocimiento no responde a esta pregunta.",
        nearest=" Las secciones más cercanas son:",
        no_model="(No hay ningún modelo de chat configurado; lo anterior se cita de los documentos.)",
        model_failed="(El modelo de chat no respondió; lo anterior se cita de los documentos.)",
        model_strayed="(Los documentos no respaldan lo que escribió el modelo de chat; lo anterior se cita de ellos.)",
        withdrawn="Los documentos no respaldan la respuesta anterior; no la tenga en cuenta. Dicen:",
        compare="Compare la respuesta anterior con los documentos, que dicen:",
        strayed="El modelo de chat dio una respuesta que la base de conocimiento no respalda, y se ha omitido.",
        sources="Fuentes: {markers}",
        truncated="(La respuesta alcanzó su límite de longitud y no está completa.)",
        more_items="… ({count} más en el documento)",
        not_found="No se encontró en la base de conocimiento: {questions}",
        disagree="Los documentos no coinciden:",
        greeting="¡Hola! Respondo preguntas a partir de una base de conocimiento. Contiene: {contents}.",
        examples="Por ejemplo, pregunta:",
        about="¿Qué dice «{topic}»?",
    ),
    "fr": Notices(
        refusal="La base de connaissances ne répond pas à cette question.",
        nearest=" Les sections les plus proches sont :",
        no_model="(Aucun modèle de chat n'est configuré ; ce qui précède est cité des documents.)",
        model_failed="(Le modèle de chat n'a pas répondu ; ce qui précède est cité des documents.)",
        model_strayed="(Les documents ne confirment pas la réponse du modèle de chat ; ce qui précède en est cité.)",
        withdrawn="Les documents ne confirment pas la réponse ci-dessus ; n'en tenez pas compte. Ils disent :",
        compare="Veuillez comparer la réponse ci-dessus avec les documents, qui disent :",
        strayed="Le modèle de chat a donné une réponse que la base de connaissances ne confirme pas ; elle est omise.",
        sources="Sources : {markers}",
        truncated="(La réponse a atteint sa longueur maximale et n'est pas complète.)",
        more_items="… ({count} de plus dans le document)",
        not_found="Introuvable dans la base de connaissances : {questions}",
        disagree="Les documents se contredisent :",
        greeting="Bonjour ! Je réponds à partir d'une base de connaissances. Elle contient : {contents}.",
        examples="Par exemple, demandez :",
        about="Que dit « {topic} » ?",
    ),
    "de": Notices(
        refusal="Die Wissensbasis beantwortet diese Frage nicht.",
        nearest=" Die nächstliegenden Abschnitte sind:",
        no_model="(Es ist kein Chatmodell eingerichtet; das Obige ist aus den Dokumenten zitiert.)",
        model_failed="(Das Chatmodell hat nicht geantwortet; das Obige ist aus den Dokumenten zitiert.)",
        model_strayed="(Die Dokumente stützen die Antwort des Chatmodells nicht; das Obige ist aus ihnen zitiert.)",
        withdrawn="Die Dokumente stützen die obige Antwort nicht; bitte nicht verwenden. In ihnen steht:",
        compare="Bitte vergleichen Sie die obige Antwort mit den Dokumenten. In ihnen steht:",
        strayed="Das Chatmodell gab eine Antwort, die die Wissensbasis nicht stützt; sie ist weggelassen.",
        sources="Quellen: {markers}",
        truncated="(Die Antwort hat ihre Längengrenze erreicht und ist nicht vollständig.)",
        more_items="… ({count} weitere im Dokument)",
        not_found="In der Wissensbasis nicht gefunden: {questions}",
        disagree="Die Dokumente widersprechen sich:",
        greeting="Hallo! Ich beantworte Fragen aus einer Wissensbasis. Sie enthält: {contents}.",
        examples="Zum Beispiel:",
        about="Was steht in „{topic}“?",
    ),
    "ru": Notices(
        refusal="В базе знаний нет ответа на этот вопрос.",
        nearest=" Ближайшие разделы:",
        no_model="(Чат-модель не настроена; выше приведены цитаты из документов.)",
        model_failed="(Чат-модель не ответила; выше приведены цитаты из документов.)",
        model_strayed="(Документы не подтверждают ответ чат-модели; выше приведены цитаты из них.)",
        withdrawn="Документы не подтверждают ответ выше; не полагайтесь на него. В них сказано:",
        compare="Сверьте ответ выше с документами. В них сказано:",
        strayed="Чат-модель дала ответ, который база знаний не подтверждает; он опущен.",
        sources="Источники: {markers}",
        truncated="(Ответ достиг предела длины и не закончен.)",
        more_items="… (ещё {count} в документе)",
        not_found="В базе знаний не найдено: {questions}",
        disagree="Документы расходятся:",
        greeting="Здравствуйте! Я отвечаю на вопросы по базе знаний. В ней: {contents}.",
        examples="Например, спросите:",
        about="О чём говорится в разделе «{topic}»?",
    ),
}


def refusal_text(language: ReplyLanguage, nearest: Sequence[str], reason: AnswerReason | None = None) -> str:
    """Return the text of a refusal in Markdown, with the headings of the nearest sections, if any."""
    notices = NOTICES[language]
    text = notices.strayed if reason in _STRAYED else notices.refusal
    if not nearest:
        return text
    return text + notices.nearest + "".join(f"\n- {escape_words(heading)}" for heading in nearest)
