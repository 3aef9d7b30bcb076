// The texts of the pages in Chinese and English; a third text is the English singular. An element with data-i18n shows
// its text in the current language.

const TEXTS = {
  skip: ["跳到正文", "Skip to content"],
  navigation: ["主导航", "Main"],
  nav_ask: ["提问", "Ask"],
  nav_knowledge: ["知识库", "Knowledge"],
  knowledge_base: ["知识库", "Knowledge base"],
  default_knowledge_base: ["默认", "Default"],
  all_knowledge_bases: ["全部知识库", "All knowledge bases"],
  nav_gaps: ["未解答", "Gaps"],
  other_language: ["EN", "中文"],
  switch_language: ["EN：切换到英文", "中文: switch to Chinese"],
  switch_theme: ["切换深色或浅色", "Switch between light and dark"],
  conversation: ["对话", "Conversation"],
  welcome_title: ["想知道什么？", "What would you like to know?"],
  welcome_text: ["回答只来自知识库，每句话都标明出处。", "Answers come only from the knowledge base, and every statement links to its source."],
  try_asking: ["可以这样问", "You could ask"],
  question_label: ["你的问题", "Your question"],
  question_placeholder: ["问知识库一个问题…", "Ask the knowledge base…"],
  hint: ["回车发送，Shift + 回车换行。对话只存在这个浏览器里。", "Enter sends, Shift + Enter starts a new line. Conversations stay in this browser."],
  send: ["发送", "Send"],
  stop: ["停止", "Stop"],
  new_conversation: ["新对话", "New"],
  conversations: ["历史", "History"],
  conversations_title: ["以前的对话", "Earlier conversations"],
  no_conversations: ["还没有以前的对话。", "No earlier conversations."],
  clear_all: ["全部清除", "Clear all"],
  delete_one: ["删除“{title}”", "Delete “{title}”"],
  close: ["关闭", "Close"],
  searching: ["正在查找…", "Searching…"],
  thinking: ["正在思考…", "Thinking…"],
  answering: ["找到 {count} 段相关原文，正在作答…", "Found {count} passages, answering…", "Found {count} passage, answering…"],
  answered: ["根据 {count} 处原文作答", "Answered from {count} passages", "Answered from {count} passage"],
  answered_plain: ["已作答", "Answered"],
  refused_state: ["没有找到答案", "No answer found"],
  stopped: ["已停止", "Stopped"],
  not_answered: ["没能作答", "No answer"],
  broken: ["回答中断了", "The answer broke off"],
  truncated: ["达到长度上限，没有写完", "Cut off at the length limit"],
  reasoning: ["思考过程", "Reasoning"],
  cite: ["来源 {number}：{where}", "Source {number}: {where}"],
  unverified: ["未核实", "unverified"],
  unverified_why: ["文档里没有这句话的依据，或者没有核对到这句", "The passages do not support this sentence, or it was not checked"],
  unchecked: ["没有核对", "not checked"],
  attributed: ["出处由知问补上", "source added by zhiwen"],
  sources: ["来源", "Sources"],
  nearest: ["最接近的内容", "Nearest sections"],
  copy: ["复制", "Copy"],
  copied: ["已复制", "Copied"],
  copy_failed: ["浏览器不允许复制", "The browser does not allow copying"],
  good_answer: ["有帮助", "Helpful"],
  bad_answer: ["没帮助", "Not helpful"],
  why: ["为什么？", "Why?"],
  why_title: ["这个回答是怎么来的", "How this answer came about"],
  retry: ["重试", "Try again"],
  comment_label: ["想补充什么吗？（可不填）", "Anything to add? (optional)"],
  comment_send: ["提交", "Send"],
  comment_thanks: ["谢谢，已经记下。", "Thank you, your feedback has been saved."],
  unreachable: ["连不上服务，恢复后可以重试。", "The server cannot be reached. Try again once it is back."],
  not_ready: ["知识库还没准备好，好了会自动恢复。{message}", "The knowledge base is not ready yet. This page goes on once it is. {message}"],
  back: ["服务恢复了。", "The server is back."],
  something_wrong: ["出了问题：{message}", "Something went wrong: {message}"],
  error_key: ["没有可用的密钥，无法继续。", "This needs an API key that the server accepts."],
  error_too_many: ["请求太多了，请稍后再试。", "Too many requests at the moment. Try again shortly."],
  error_stopping: ["服务正在停止，请稍后再试。", "The server is shutting down. Try again shortly."],
  error_document_not_found: ["没有这篇文档，可能已被移除或改名。", "There is no such document. It may have been removed or renamed."],
  error_knowledge_base_not_found: ["没有这个知识库，可能已被移除或改名。请重新选择。", "There is no such knowledge base. It may have been removed or renamed. Choose another."],
  error_question_too_long: ["问题太长了。", "The question is too long."],
  error_body_too_large: ["内容太长了。", "This is too long."],
  error_store: ["存储出了问题：{message}", "The vector store failed: {message}"],
  error_store_empty: ["知识库还没有内容，请先读入文档。", "Nothing has been ingested yet. Ingest documents first."],
  error_store_locked: ["正在读入，请等它完成。", "An ingest is already running. Wait until it ends."],
  error_embedder: ["嵌入模型出了问题：{message}", "The embedder failed: {message}"],
  error_chat: ["大模型出了问题，回答没有写完：{message}", "The chat model failed, and the answer is incomplete: {message}"],
  error_knowledge_error: ["文件夹有问题：{message}", "There is a problem with the folder: {message}"],
  error_source_error: ["取不到文档：{message}", "The documents cannot be fetched: {message}"],
  error_golden_questions_lost: ["新版本找不到以前能找到的内容，没有上线：{message}", "The new generation no longer finds what the live one finds, so it did not go live: {message}"],
  error_feedback_error: ["评价没能保存：{message}", "Your feedback could not be saved: {message}"],
  error_internal: ["服务出错了，原因见服务日志。", "Internal error; see the server log."],
  key_title: ["需要密钥", "API key required"],
  key_text: ["这个服务要求 API 密钥，管理员用 zhiwen keys new 生成。密钥只留到关闭这个标签页为止。", "This server requires an API key, which its administrator makes with `zhiwen keys new`. The key is kept until you close this tab."],
  key_wrong: ["这个密钥无效。", "This key is not valid."],
  key_lacks: ["这个密钥没有这项权限，请换一个。", "This key does not allow this. Use another key."],
  key_label: ["API 密钥", "API key"],
  key_use: ["使用", "Use"],
  cancel: ["取消", "Cancel"],
  open_page: ["单独打开", "Open as a page"],
  loading: ["正在加载…", "Loading…"],
  rebuilt: ["文件在读入之后改过，或者已经不在了；这里显示的是索引里的内容。", "The file has changed or disappeared since it was ingested. This is the content of the index."],
  plain: ["这份文档太复杂，没法排版，这里以纯文本显示，内容没有遗漏。", "This document is too complex to be rendered. It is shown as plain text; nothing is left out."],
  generation_is: ["知识库第 {generation} 版", "Generation {generation}"],
  missing_title: ["没有这篇文档", "There is no such document"],
  open_knowledge: ["打开知识库", "Open the knowledge base"],
  missing_text: ["可能已被移除或改名。", "It may have been removed or renamed."],
  question: ["问题", "Question"],
  standalone_model: ["大模型改写为：", "Rewritten by the chat model:"],
  standalone_rule: ["按上文补全为：", "Completed from the conversation:"],
  from_cache: ["取自缓存：同样的问题、同样的原文以前答过，没有再让大模型作答。", "From the cache: the same question was answered from the same passages before, so no model wrote it again."],
  evidence: ["能答上来的概率", "Probability that the passages answer the question"],
  evidence_is: ["{percent}，低于 {threshold} 就拒答", "{percent}. Below {threshold}, the question is refused."],
  fusion: ["两路检索怎么合并", "How the two searches were combined"],
  fusion_text: ["左边按意思找，右边按字词找，中间是合并后的名次；着色的用作依据。", "Left: ranks by meaning. Right: ranks by words. Middle: both combined. The coloured passages became the evidence."],
  by_meaning: ["按意思", "By meaning"],
  by_words: ["按字词", "By words"],
  together: ["合并", "Together"],
  candidates: ["候选段落", "Candidates"],
  rank: ["名次", "Rank"],
  passage: ["段落", "Passage"],
  score: ["得分", "Score"],
  cosine: ["相似度", "Similarity"],
  bm25: ["BM25", "BM25"],
  result: ["结果", "Outcome"],
  used_as: ["依据 [{number}]", "Evidence [{number}]"],
  used: ["命中", "Hit"],
  dropped_beyond: ["名次靠后，没有采用", "Ranked too low"],
  dropped_same: ["和另一段内容相同", "Same text as another passage"],
  dropped_prompt: ["提示词放不下", "Did not fit into the prompt"],
  terms: ["问题里的词", "Terms of the question"],
  timings: ["用时", "Time"],
  milliseconds: ["{value} 毫秒", "{value} ms"],
  attempts: ["大模型调用", "Chat model calls"],
  model: ["模型", "Model"],
  outcome: ["结果", "Outcome"],
  first_token: ["首字", "First token"],
  total: ["总计", "Total"],
  tokens: ["Token", "Tokens"],
  no_attempts: ["没有调用大模型。", "No chat model was called."],
  verification: ["逐句核实", "Verification of each sentence"],
  supported: ["有依据", "supported"],
  prompt: ["提示词", "Prompt"],
  trace_gone: ["这个回答的记录已经没有了：记录只保留一段时间。", "The trace of this answer is no longer available: traces are kept only for a while."],
  stage_rewrite: ["补全问题", "Complete the question"],
  stage_embed: ["嵌入问题", "Embed the question"],
  stage_dense: ["按意思找", "Search by meaning"],
  stage_lexical: ["按字词找", "Search by words"],
  stage_read: ["读取段落", "Read the passages"],
  stage_fuse: ["合并", "Fuse"],
  stage_rerank: ["重排", "Rerank"],
  stage_evidence: ["补上下文", "Add the context"],
  stage_search: ["检索合计", "Whole search"],
  stage_first_text: ["首字", "First text"],
  stage_write: ["作答", "Write the answer"],
  stage_verify: ["核实", "Verify"],
  stage_total: ["总计", "Total"],
  documents: ["文档", "Documents"],
  chunks: ["段落", "Chunks"],
  generation: ["当前版本", "Generation"],
  last_ingest: ["上次读入", "Last ingest"],
  no_chat: ["未配置，回答摘自原文", "None; answers are quoted from the documents"],
  chat: ["大模型", "Chat model"],
  no_model: ["摘自原文", "Quoted from the documents"],
  pending: ["待读入", "Pending changes"],
  up_to_date: ["已是最新", "Up to date"],
  pending_some: ["新增 {added} · 改动 {changed} · 移除 {removed}", "{added} added · {changed} changed · {removed} removed"],
  folder_missing: ["这台机器上没有这个文件夹", "The folder is not on this machine"],
  ingest_now: ["读入", "Ingest"],
  ingesting: ["正在读入…", "Ingesting…"],
  ingest_planned: ["新增 {added} 篇，改动 {changed} 篇，移除 {removed} 篇", "{added} to add, {changed} to change, {removed} to remove"],
  ingest_progress: ["{documents} / {total} 篇 · {chunks} 段 · 已嵌入 {embedded} 段", "{documents} of {total} documents · {chunks} chunks · {embedded} embedded"],
  ingest_speed: ["{rate} 段/秒", "{rate} chunks/s"],
  time_left: ["还要约 {duration}", "about {duration} left"],
  seconds: ["{seconds} 秒", "{seconds} s"],
  minutes: ["{minutes} 分钟", "{minutes} min"],
  hours: ["{hours} 小时 {minutes} 分钟", "{hours} h {minutes} min"],
  ingest_done: ["读入完成：新增 {added} 篇，改动 {changed} 篇，移除 {removed} 篇，用时 {seconds} 秒", "Done: {added} added, {changed} changed, {removed} removed, in {seconds} s"],
  ingest_failures: ["{count} 篇没有读入；以前读入过的，旧内容继续有效", "{count} documents could not be ingested. Content ingested before stays live.", "{count} document could not be ingested. Content ingested before stays live."],
  ingest_error: ["读入失败", "The ingest failed"],
  filter_documents: ["筛选文档", "Filter documents"],
  chunk_count: ["{count} 段", "{count} chunks", "{count} chunk"],
  no_documents: ["还没有文档。把文件放进文件夹，再点“读入”。", "No documents yet. Put files into the folder, then press Ingest."],
  none_match: ["没有符合的文档。", "No matching documents."],
  shown_of: ["只显示前 {shown} 篇，共 {total} 篇；可以用筛选缩小范围", "Showing the first {shown} of {total} documents. Filter the list to see others."],
  no_headings: ["没有标题", "No headings"],
  read_document: ["阅读全文", "Read the document"],
  never: ["还没有", "Never"],
  gaps_off: ["没有留下问题。把 traces.keep_questions 设成 true，之后答不上来的问题会列在这里。", "No questions are kept. Set traces.keep_questions to true: from then on, those without an answer are listed here."],
  gaps_none: ["没有答不上来的问题。", "There is no question without an answer."],
  gaps_found: ["答不上来的事有 {count} 件，一共问了 {asked} 次。", "{count} things that nobody could answer, asked {asked} times in all.", "One thing that nobody could answer, asked {asked} times in all."],
  gap_asked: ["{count} 次", "{count} times", "once"],
  gap_refused: ["拒答 {number}", "refused {number}"],
  gap_unverified: ["未核实 {number}", "unverified {number}"],
  gap_disliked: ["踩 {number}", "thumbs down {number}"],
  gap_answerable: ["现在的文档也许已经能答。", "The documents may answer this by now."],
  gap_nearest: ["最接近的内容", "Nearest section"],
  gap_golden: ["写成黄金问题", "Golden question"],
  gap_draft: ["起草缺的段落", "Draft the paragraph"],
  stale_title: ["常被引用的旧文档", "Old documents that answers rest on"],
  stale_found: ["最近 {days} 天的回答用到的旧文档有 {count} 篇（一年以上没改）。", "Old documents that answers of the last {days} days rest on, unchanged for a year: {count}"],
  stale_none: ["最近 {days} 天的回答没有用到一年以上没改的文档。", "No answer of the last {days} days rests on a document that is unchanged for a year."],
  stale_answers: ["{count} 次回答", "{count} answers", "{count} answer"],
  download_csv: ["下载 CSV", "CSV"],
  download_json: ["下载 JSON", "JSON"],
};

export function language() {
  return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
}

// Returns the text of a key in the current language, with the values put in.
export function t(key, values = {}) {
  const [chinese, english, one = english] = TEXTS[key];
  const text = language() === "zh" ? chinese : values.count === 1 ? one : english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function has(key) {
  return key in TEXTS;
}

// Sets the text of an element, which then follows the language; returns the element.
export function say(element, key, values = {}) {
  element.dataset.i18n = key;
  element.dataset.i18nValues = JSON.stringify(values);
  element.textContent = t(key, values);
  return element;
}

// Sets the label and the tooltip of an element, which then follow the language; returns the element.
export function label(element, key, values = {}) {
  element.dataset.i18nLabel = key;
  element.dataset.i18nLabelValues = JSON.stringify(values);
  element.setAttribute("aria-label", t(key, values));
  element.title = t(key, values);
  return element;
}

// Shows all texts below `root` in the current language.
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    const text = t(element.dataset.i18n, JSON.parse(element.dataset.i18nValues || "{}"));
    if (element.textContent !== text) element.textContent = text;
  }
  for (const element of root.querySelectorAll("[data-i18n-label]")) {
    const text = t(element.dataset.i18nLabel, JSON.parse(element.dataset.i18nLabelValues || "{}"));
    element.setAttribute("aria-label", text);
    if (element.matches("button, a")) element.title = text;
  }
  for (const element of root.querySelectorAll("[data-i18n-placeholder]")) {
    element.placeholder = t(element.dataset.i18nPlaceholder);
  }
  document.documentElement.dataset.ready = "";
}

export function switchLanguage() {
  const next = language() === "zh" ? "en" : "zh";
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem("zhiwen.language", next);
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
  translate();
  document.dispatchEvent(new CustomEvent("zhiwen:language"));
}
