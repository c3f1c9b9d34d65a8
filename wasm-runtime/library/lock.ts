/**
 * Reader/writer spin locks over one i32: 0 free, n > 0 readers, ~slot (< 0) the writing thread.
 * A handler takes all locks of a list or none. What is held is always written down in the context
 * (CONTEXT.locks, locksTaken, lockIntent), so that whoever ends a handler can release them; no
 * instruction that can trap lies between a lock's atomic operation and that note.
 */
import {
  CONTEXT_LOCK_INTENT,
  CONTEXT_LOCKS,
  CONTEXT_LOCKS_TAKEN,
  CONTEXT_SLOT,
  SESSION_ADDRESS,
  SESSION_LOCK_TRIES,
  SESSION_SKIPPED_LOCKS,
} from "./gen/layout";
import { relax } from "./host";

/** Looks at a lock that is taken before relaxing: an owner that runs is done within some 20 ns. */
const LOOKS = 16;

/** Takes the locks of `list` (i32 count, then address | 1 for write each): 1, or 0 and none. */
export function locks_acquire(context: usize, list: usize): i32 {
  store<i32>(context, 0, CONTEXT_LOCKS_TAKEN);
  store<usize>(context, list, CONTEXT_LOCKS);
  // One lock that is free, as nearly always: no loop.
  if (load<i32>(list) === 1) {
    store<i32>(context, 1, CONTEXT_LOCK_INTENT);
    if (tryTake(lockWord(list, 0), ~load<i32>(context, CONTEXT_SLOT))) {
      store<i32>(context, 1, CONTEXT_LOCKS_TAKEN);
      store<i32>(context, 0, CONTEXT_LOCK_INTENT);
      return 1;
    }
    store<i32>(context, 0, CONTEXT_LOCK_INTENT);
  }
  return acquireAll(context, list);
}

function acquireAll(context: usize, list: usize): i32 {
  const count = load<i32>(list);
  const tries = load<i32>(SESSION_ADDRESS, SESSION_LOCK_TRIES);
  const owner = ~load<i32>(context, CONTEXT_SLOT);
  for (let i = 0; i < count; i++) {
    store<i32>(context, i + 1, CONTEXT_LOCK_INTENT);
    if (!take(lockWord(list, i), owner, tries)) {
      store<i32>(context, 0, CONTEXT_LOCK_INTENT);
      locks_release(context);
      atomic.add<i64>(SESSION_ADDRESS + SESSION_SKIPPED_LOCKS, 1);
      return 0;
    }
    store<i32>(context, i + 1, CONTEXT_LOCKS_TAKEN);
    store<i32>(context, 0, CONTEXT_LOCK_INTENT);
  }
  return 1;
}

/** Releases the locks that `context` holds, the last taken first. */
export function locks_release(context: usize): void {
  const list = load<usize>(context, CONTEXT_LOCKS);
  if (list === 0) return;
  const taken = load<i32>(context, CONTEXT_LOCKS_TAKEN);
  if (taken === 1 && load<i32>(context, CONTEXT_LOCK_INTENT) === 0) releaseOne(context, list, 0);
  else releaseAll(context, list, taken);
  store<i32>(context, 0, CONTEXT_LOCK_INTENT);
  store<usize>(context, 0, CONTEXT_LOCKS);
}

function releaseAll(context: usize, list: usize, taken: i32): void {
  releaseIntended(context, list);
  for (let i = taken - 1; i >= 0; i--) releaseOne(context, list, i);
}

function releaseOne(context: usize, list: usize, index: i32): void {
  store<i32>(context, index + 1, CONTEXT_LOCK_INTENT);
  store<i32>(context, index, CONTEXT_LOCKS_TAKEN);
  give(lockWord(list, index));
}

function lockWord(list: usize, index: i32): usize {
  return load<usize>(list + ((<usize>index) << 2), 4);
}

/** A lock that was being taken: only a write lock can say whose it is. */
function releaseIntended(context: usize, list: usize): void {
  const intent = load<i32>(context, CONTEXT_LOCK_INTENT);
  if (intent === 0) return;
  const word = lockWord(list, intent - 1);
  if (word & 1) atomic.cmpxchg<i32>(word - 1, ~load<i32>(context, CONTEXT_SLOT), 0);
}

function take(word: usize, owner: i32, tries: i32): bool {
  for (let round = 0; !tryTake(word, owner); round++) {
    if (round >= tries) return false;
    for (let look = 0; look < LOOKS && !isFree(word); look++);
    if (!isFree(word)) relax(round);
  }
  return true;
}

/** True if the lock seems to be free; unlike an attempt it leaves the owner its cache line. */
function isFree(word: usize): bool {
  return word & 1 ? load<i32>(word - 1) === 0 : load<i32>(word) >= 0;
}

function tryTake(word: usize, owner: i32): bool {
  if (word & 1) return atomic.cmpxchg<i32>(word - 1, 0, owner) === 0;
  const readers = atomic.load<i32>(word);
  return readers >= 0 && atomic.cmpxchg<i32>(word, readers, readers + 1) === readers;
}

/**
 * A plain store releases a write lock: it must only stay behind the handler's other stores, and the
 * engines keep those in order (x86-64: Intel SDM vol. 3 §9.2.2). An atomic one orders everything
 * and costs as much as taking the lock.
 */
function give(word: usize): void {
  if (word & 1) store<i32>(word - 1, 0);
  else atomic.sub<i32>(word, 1);
}
