/** Asks once and keeps the answer. */

type Answer<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "error"; readonly error: unknown };

/** `find`, which is called once for each key; what it throws is thrown again. */
export function remember<Key, Value>(find: (key: Key) => Value): (key: Key) => Value {
  const answers = new Map<Key, Answer<Value>>();
  return (key) => {
    const answer = answers.get(key) ?? ask(find, key);
    answers.set(key, answer);
    if (answer.kind === "error") throw answer.error;
    return answer.value;
  };
}

/** `find`, which is called once for each key, as long as there is that key. */
export function rememberWeakly<Key extends object, Value>(
  find: (key: Key) => Value,
): (key: Key) => Value {
  const known = new WeakMap<Key, () => Value>();
  return (key) => {
    const answer = known.get(key) ?? once(() => find(key));
    known.set(key, answer);
    return answer();
  };
}

/** `find`, which is called once. */
export function once<Value>(find: () => Value): () => Value {
  return remember<void, Value>(find);
}

function ask<Key, Value>(find: (key: Key) => Value, key: Key): Answer<Value> {
  try {
    return { kind: "value", value: find(key) };
  } catch (error) {
    return { kind: "error", error };
  }
}
