"""The loops of training that Python is too slow for (numba). Decisions are the coder's: one bit at
one node of one tree; a feature is one context at one such place. A `part` is (symbols, trees,
contexts, paths, depths): what was said, and the way to each symbol in each tree.

Training works on hashes of features in two large tables first, then in the slots of the file.
"""

import numpy as np
from numba import njit

NODES = 128
MAX_LOGIT = 11.0
LEAST = 1 / 4096  # no chance is smaller: one surprise costs at most twelve bits
NODE, SCATTER, MASK = np.uint64(0x9E3779B1), np.uint64(0x85EBCA6B), np.uint64(0xFFFFFFFF)


@njit(cache=True)
def scatter(context, place):
    """As kimnode.wire.text_model.Model.chance does it."""
    return (context ^ (np.uint64(place) * NODE & MASK)) * SCATTER


@njit(cache=True)
def slot_of(context, place, slots):
    scattered = scatter(context, place)
    slot = np.int64((scattered >> np.uint64(20)) % np.uint64(slots))
    return slot, np.int64(scattered >> np.uint64(12) & np.uint64(15))


@njit(cache=True)
def chance_of(logit):
    chance = 1 / (1 + np.exp(-min(max(logit, -MAX_LOGIT), MAX_LOGIT)))
    return min(max(chance, LEAST), 1 - LEAST)


@njit(cache=True)
def count(part, seen):
    """How often each feature occurs, up to 250; collisions count together."""
    symbols, trees, contexts, paths, depths = part
    mask = np.uint64(seen.size - 1)
    for i in range(symbols.size):
        for k in range(depths[trees[i], symbols[i]]):
            place = trees[i] * NODES + (paths[trees[i], symbols[i], k] >> 1)
            for context in contexts[i]:
                x = scatter(context, place) >> np.uint64(16) & mask
                if seen[x] < 250:
                    seen[x] += 1


@njit(cache=True)
def learn(part, seen, weights, pace, worth, bias, bias_pace, rate):
    """One pass of online logistic regression (AdaGrad) over features that occur at least twice.
    `worth` gathers the curvature of each weight: worth * weight^2 is what dropping it would cost.
    """
    symbols, trees, contexts, paths, depths = part
    mask, small = np.uint64(seen.size - 1), np.uint64(weights.size - 1)
    used = np.zeros(contexts.shape[1], np.int64)
    cost = 0.0
    for i in range(symbols.size):
        for k in range(depths[trees[i], symbols[i]]):
            step = paths[trees[i], symbols[i], k]
            place = trees[i] * NODES + (step >> 1)
            logit = bias[place]
            n = 0
            for context in contexts[i]:
                x = scatter(context, place) >> np.uint64(16)
                if seen[x & mask] >= 2:
                    used[n] = np.int64(x & small)
                    logit += weights[used[n]]
                    n += 1
            chance = chance_of(logit)
            error = (step & 1) - chance
            cost -= np.log2(1 - abs(error))
            bias_pace[place] += error * error
            bias[place] += 0.5 * error / np.sqrt(bias_pace[place] + 1)
            for x in used[:n]:
                pace[x] += error * error
                worth[x] += chance * (1 - chance)
                weights[x] += rate * error / np.sqrt(pace[x] + 0.5)
    return cost / symbols.size


@njit(cache=True)
def choose(part, seen, weights, worth, checks, values, best):
    """Gives each slot of the file to the feature that is worth most there."""
    symbols, trees, contexts, paths, depths = part
    mask, small = np.uint64(seen.size - 1), np.uint64(weights.size - 1)
    for i in range(symbols.size):
        for k in range(depths[trees[i], symbols[i]]):
            place = trees[i] * NODES + (paths[trees[i], symbols[i], k] >> 1)
            for context in contexts[i]:
                x = scatter(context, place) >> np.uint64(16)
                if seen[x & mask] < 2:
                    continue
                weight = weights[x & small]
                value = worth[x & small] * weight * weight
                slot, check = slot_of(context, place, checks.size)
                if value > best[slot]:
                    best[slot], checks[slot], values[slot] = value, check, weight


@njit(cache=True)
def tune(part, checks, values, pace, bias, bias_pace, rate):
    """One more pass with the features that have a slot, false matches of the check included."""
    symbols, trees, contexts, paths, depths = part
    used = np.zeros(contexts.shape[1], np.int64)
    cost = 0.0
    for i in range(symbols.size):
        for k in range(depths[trees[i], symbols[i]]):
            step = paths[trees[i], symbols[i], k]
            place = trees[i] * NODES + (step >> 1)
            logit = bias[place]
            n = 0
            for context in contexts[i]:
                slot, check = slot_of(context, place, checks.size)
                if checks[slot] == check:
                    used[n] = slot
                    logit += values[slot]
                    n += 1
            error = (step & 1) - chance_of(logit)
            cost -= np.log2(1 - abs(error))
            bias_pace[place] += error * error
            bias[place] += rate * error / np.sqrt(bias_pace[place] + 1)
            for slot in used[:n]:
                pace[slot] += error * error
                values[slot] += rate * error / np.sqrt(pace[slot] + 1)
    return cost / symbols.size
