// The conversations in the storage of this browser: a bounded list, the newest first.

const STORAGE_KEY = "zhiwen.conversations";
const MAX_CONVERSATIONS = 30;

export function all() {
  try {
    const found = JSON.parse(localStorage.getItem(STORAGE_KEY) || "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

export function find(id) {
  return all().find((conversation) => conversation.id === id);
}

// Saves a conversation. If the storage is full, the oldest ones are dropped.
export function save(conversation) {
  const others = all().filter((other) => other.id !== conversation.id);
  let kept = conversation.turns.length ? [conversation, ...others].slice(0, MAX_CONVERSATIONS) : others;
  while (kept.length) {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
      return;
    } catch {
      kept = kept.slice(0, -1);
    }
  }
}

export function remove(id) {
  const kept = all().filter((conversation) => conversation.id !== id);
  localStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
}

export function clear() {
  localStorage.removeItem(STORAGE_KEY);
}

export function fresh() {
  return { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), turns: [] };
}

// The history that a question is sent with: the last turns that were answered, within both limits.
export function history(conversation, maxTurns = 6, maxCharacters = 20_000) {
  const messages = [];
  let characters = 0;
  for (const { question, event } of conversation.turns.toReversed()) {
    if (!event || event.answer.refused) continue;
    characters += question.length + event.answer.answer.length;
    if (messages.length === 2 * maxTurns || characters > maxCharacters) break;
    messages.unshift({ role: "user", content: question }, { role: "assistant", content: event.answer.answer });
  }
  return messages;
}
