// Conversations stay in this browser: a bounded list in its storage, the newest first.

const STORED = "zhiwen.conversations";
const MOST = 30;

export function all() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) || "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

export function find(id) {
  return all().find((conversation) => conversation.id === id);
}

// Where there is no room, the oldest go first.
export function keep(conversation) {
  const others = all().filter((one) => one.id !== conversation.id);
  let kept = conversation.turns.length ? [conversation, ...others].slice(0, MOST) : others;
  while (kept.length) {
    try {
      localStorage.setItem(STORED, JSON.stringify(kept));
      return;
    } catch {
      kept = kept.slice(0, -1);
    }
  }
}

export function remove(id) {
  const kept = all().filter((one) => one.id !== id);
  localStorage.setItem(STORED, JSON.stringify(kept));
}

export function clear() {
  localStorage.removeItem(STORED);
}

export function fresh() {
  return { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), turns: [] };
}

// What goes to the server as history: of the turns that were answered the last few, as far as anybody reads them.
export function history(conversation, mostTurns = 6, mostCharacters = 20_000) {
  const told = [];
  let characters = 0;
  for (const { question, event } of conversation.turns.toReversed()) {
    if (!event || event.answer.refused) continue;
    characters += question.length + event.answer.answer.length;
    if (told.length === 2 * mostTurns || characters > mostCharacters) break;
    told.unshift({ role: "user", content: question }, { role: "assistant", content: event.answer.answer });
  }
  return told;
}
