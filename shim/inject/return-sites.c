/*
 * The instructions to which functions return whose results are waited for: a table in the private
 * area. Threads add to it, the mutator patches what is new and says so
 * (shim/mutator/return-sites.ts).
 */
#include "shim.h"

/* Code of programs lies below 2^47 (Linux, Documentation/arch/x86/x86_64/mm.rst). */
#define WT_USER_ADDRESS_BITS 47

static uint64_t *entry(uint32_t index) {
    uint64_t *table = (uint64_t *)(wt_params.state + WT_PRIVATE_RETURN_SITES);
    return &table[index % WT_PRIVATE_RETURN_SITE_COUNT];
}

/* Multiplicative hashing, Knuth vol. 3 section 6.4. */
static uint32_t first_index(uint64_t address) {
    return (uint32_t)address * WT_PRIVATE_RETURN_SITE_HASH >> WT_PRIVATE_RETURN_SITE_HASH_SHIFT;
}

static uint64_t with_state(uint64_t address, uint64_t state) {
    return address << WT_RETURN_SITE_ADDRESS_SHIFT | state;
}

static uint64_t load(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* The entry of address, which is made if there is none; NULL if there is no room. */
static uint64_t *find(uint64_t address) {
    for (uint32_t i = 0; i < WT_PRIVATE_RETURN_SITE_TRIES; i++) {
        uint64_t *word = entry(first_index(address) + i);
        uint64_t found = load(word);
        if (found == 0 &&
            __atomic_compare_exchange_n(word, &found, with_state(address, WT_RETURN_SITE_ASKED),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return word;
        if (found >> WT_RETURN_SITE_ADDRESS_SHIFT == address)
            return word;
    }
    return NULL;
}

/* Whether it will be seen when a thread returns to address; waits until that is known. */
bool wt_return_sites__is_ready(uint64_t address) {
    const uint64_t ready = with_state(address, WT_RETURN_SITE_READY);
    /* Stacks that a program makes may begin with anything. */
    bool is_code = address != 0 && address >> WT_USER_ADDRESS_BITS == 0;
    uint64_t *word = is_code ? find(address) : NULL;
    uint64_t found = word == NULL ? 0 : load(word);
    if (word == NULL || found == ready || wt_params.no_system_calls ||
        found == with_state(address, WT_RETURN_SITE_REFUSED))
        return found == ready;
    uint64_t gone = with_state(address, WT_RETURN_SITE_GONE);
    __atomic_compare_exchange_n(word, &gone, with_state(address, WT_RETURN_SITE_ASKED), false,
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return wt_requests__look() == 0 && load(word) == ready;
}
