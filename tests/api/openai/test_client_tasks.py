"""What chat clients ask of their own accord, told from what people ask: by shape, whatever the words."""

import pytest

from api.openai.client_tasks import ClientMessage, answer_client_task

QUESTION = "年假有几天？"
ANSWER = "入职满一年的员工每年有 10 天年假 [1]"
TURNS = f"User: {QUESTION}\nAI: {ANSWER}"
CONVERSATION = (ClientMessage("user", QUESTION), ClientMessage("assistant", ANSWER))


def user(text: str) -> list[ClientMessage]:
    return [ClientMessage("user", text)]


def below(text: str, role: str = "user") -> list[ClientMessage]:
    return [*CONVERSATION, ClientMessage(role, text)]


def under(system: str, text: str = QUESTION) -> list[ClientMessage]:
    return [ClientMessage("system", system), ClientMessage("user", text)]


TITLES = {
    "nextchat": below("直接返回这句话的主题，四到五个字，不要解释，不要标点"),
    "nextchat, English": below("Please write a four to five word title for our conversation without quotes."),
    "zed": below("Generate a short title for this thread in 3-7 words. Do not add a prefix such as `Title:`."),
    "an instruction after a lone question": [*user(QUESTION), *user("请用五个字直接返回这句话的主题，不要标点。")],
    "librechat": user(f"Provide a title of 5 words or less for the conversation. Only that.\n\nConversation:\n{TURNS}"),
    "librechat, with the language": user(
        f"Analyze this conversation and provide:\n1. Its language\n2. A concise title (5 words or less)\n\n{TURNS}"
    ),
    "librechat, in a system message": [
        ClientMessage(
            "system",
            f"Write a very concise title for this conversation. 5 Words or Less.\n\n"
            f"||>User:\n{QUESTION}\n||>Response:\n{ANSWER}\n\n||>Title:",
        )
    ],
    "rikkahub": user(
        "You will see dialogue content in the `<content>` block. Summarize the conversation into a short title.\n"
        f"1. Do not use punctuation\n2. Reply directly with it\n\n<content>\n[USER]: {QUESTION}\n</content>"
    ),
    "page assist": user(
        f"Here is the query:\n\n--------------\n\n{QUESTION}\n\n--------------\n\n"
        "Create a 3-5 word phrase as a title for that query. RESPOND ONLY WITH IT.\n\nExamples of titles:\n\nSpring"
    ),
    "open webui, without a heading": user(
        "Create a 3-5 word title with an emoji for the chat history. RESPOND ONLY WITH IT.\n\n"
        f"Examples of titles:\n📉 Prices\n\n<chat_history>\nUSER: {QUESTION}\nASSISTANT: {ANSWER}\n</chat_history>"
    ),
    "open webui, at its beginning": user(
        f"Create a 3-5 word phrase as a header for the following query, without the word 'title': {QUESTION}"
    ),
    "open webui, as plain text": user(
        "### Task:\nGenerate a 3-5 word title of the chat.\n### Output:\nReturn ONLY the text.\n"
        f"### Chat History:\n<chat_history>\nUSER: {QUESTION}\nASSISTANT: {ANSWER}\n</chat_history>"
    ),
    "big-agi": under(
        "You specialize in chat titles.",
        "Analyze the short conversation and extract a chat title. Only respond with the title and nothing else.\n\n"
        f"```\n- You: {QUESTION}\n- Assistant: {ANSWER}\n```",
    ),
    "lobechat, English": under(
        "You summarize conversations. Generate a concise title.\n- Output ONLY the title\n- Maximum 10 words",
        f"user: {QUESTION}\nassistant: {ANSWER}",
    ),
    "n8n": under(
        "Generate a title for this conversation from the first message.\n- 3 to 5 words\n- No quotation marks"
    ),
    "opencode": [
        ClientMessage("system", "You are a title generator. Output ONLY the title of the conversation."),
        *user("Write it:"),
        *user(QUESTION),
    ],
    "copilot": user(f"Please write a brief title for the following request, and nothing else:\n\n{QUESTION}"),
    "a client in Chinese": user(
        f"根据下面的对话生成一个标题，10 个字以内，只返回标题。\n\n对话内容：\n用户：{QUESTION}\n助手：{ANSWER}"
    ),
}


@pytest.mark.parametrize("client", TITLES)
def test_a_title_is_the_first_question(client: str) -> None:
    assert answer_client_task(TITLES[client]) in (QUESTION, QUESTION[:-1])


OTHERS = {
    "rikkahub, suggestions": (
        user(
            "There is chat content in the `<content>` block. Act as the user, generating 3~5 fitting responses.\n"
            f"1. Reply directly with suggestions.\n\n<content>\n[USER]: {QUESTION}\n</content>"
        ),
        "",
    ),
    "dify, suggestions": (
        user(
            f"Human: {QUESTION}\nAssistant: {ANSWER}\nPlease predict the three most likely next questions in the "
            'language of the assistant\'s answer. The output is a JSON array: ["question1","question2","question3"]'
        ),
        "[]",
    ),
    "fastgpt, suggestions": (
        below('Generate 3 questions that continue the conversation. Return JSON only: ["question1", "question2"]'),
        "[]",
    ),
    "open webui, tools": (
        user(
            "### Task:\nGenerate search queries for the chat.\n### Output:\nStrictly return JSON:\n"
            f'{{"queries": ["a", "b"]}}\n### Chat History:\n<chat_history>\nUSER: {QUESTION}\n</chat_history>'
        ),
        '{"queries": []}',
    ),
    "page assist, a question of its own": (
        user(f"Make it a standalone question.\n\nChat History:\nUser: 你好\nFollow Up Input: {QUESTION}\nStandalone:"),
        QUESTION,
    ),
    "page assist, a question for the web": (
        user(
            "Rephrase the follow-up question so it is a standalone question.\n\nExample:\n\nFollow-up question: What "
            f"is it?\n\nConversation:\n\nHuman: hi\nAI: hi\n\nFollow-up question: {QUESTION}\n\nRephrased question:"
        ),
        QUESTION,
    ),
    "cherry studio, a question for the web": (
        user(
            "Rephrase follow-up queries into standalone queries. For a greeting (How are you?), return 'not_needed' in "
            "the 'question' XML block.\n<conversation>\nuser: hi\n</conversation>\n"
            f"Follow up question: {QUESTION}\nRephrased question:"
        ),
        "<question>not_needed</question>",
    ),
    "nextchat, a summary": (below("简要总结一下上面的对话，用作后续的上下文，200 字以内", "system"), ""),
    "nextchat, a summary in English": (
        below("Summarize the discussion in 200 words or less, as a prompt for future context.", "system"),
        "",
    ),
}


@pytest.mark.parametrize("client", OTHERS)
def test_the_other_tasks_get_an_answer_that_the_client_can_parse(client: str) -> None:
    messages, expected = OTHERS[client]
    assert answer_client_task(messages) == expected


@pytest.mark.parametrize(
    "text",
    [
        "How do I write a title for a blog post?",
        "怎么给一次会话起标题？只要四到五个字，不要标点。",
        "How does the client generate a title for the conversation, in only 5 words?",
        "Generate a title for the quarterly report.",
        "Which tags does the chat widget return?\n```\n<chat_history>\n</chat_history>\n```",
        "What does this config do?\n```yaml\ntitle: chat\nonly: true\n```",
        "Here is the query:\n\nSELECT title FROM chats\n\nWhy does it return only one row?",
        "对话标题最多几个字？只返回数字。",
        "会话标题在哪里修改？",
        "生成标签的接口需要哪些参数？",
        "How do I create follow-up questions in the chat widget? Reply directly.",
        "User: admin\nCan I generate a title page for messages with this account?",
        "查询改写怎么生成独立问题？",
        "What is a standalone query? Return JSON only.",
        "Summarize the refund policy in 200 words or less.",
        "总结一下年假制度，不要超过 100 字",
        "Please suggest three questions that I could ask about the warranty.",
        "Explain the following message: title missing, only admins may create a title",
        "I want to write a title for a message in the chat app, but it only returns 400.\n```\nPOST /title\n```",
        "<content>",
        "```",
    ],
)
def test_a_person_who_asks_about_such_things_is_answered(text: str) -> None:
    assert answer_client_task(user(text)) is None
    assert answer_client_task([*CONVERSATION, *user(text)]) is None


@pytest.mark.parametrize(
    "text",
    [
        "那标题不要超过几个字？",
        "Suggest three follow-up questions for our conversation, only the questions.",
        "Summarize our conversation for future context.",
        "把上一条消息的内容写成邮件，标题不要太长",
        "What title did you give this conversation, in 5 words?",
    ],
)
def test_a_person_in_the_middle_of_a_conversation_is_answered(text: str) -> None:
    assert answer_client_task(below(text)) is None


@pytest.mark.parametrize(
    "persona",
    [
        "You are a support assistant. Write a short answer with a title for each message. At most 200 words.",
        "You answer questions about our chat product. Only use the documents. Give every answer a title.",
        "你是客服助手，回答要简短，不要超过 100 字，每个回答写一个标题。对话要有礼貌。",
        "Generate titles and summaries when asked. Do not invent facts in the conversation.",
    ],
)
def test_a_persona_that_mentions_titles_is_no_task(persona: str) -> None:
    assert answer_client_task(under(persona)) is None
