#pragma once

#include "state/store.hpp"

namespace tailrace {

/// Copies all state from one store into another, which must be empty and takes over id and secret:
/// syncs in all their shards, rejected rows, the journal with its doubts, runs, and replaced
/// refresh tokens, sealed as they are. The copy goes on where the original was: what this one
/// acknowledged is not sent again. Of the log, the field hashes and the budgets nothing is copied.
///
/// Holds every shard of `from` meanwhile, which shows there as runs with the status "copied"; that
/// store stays as it is. Throws Fenced where a run is under way, std::logic_error where `to` is not
/// empty. A copy that broke off must be thrown away: the syncs that it lacks would start anew.
void copy_store(StateStore& from, StateStore& to);

}  // namespace tailrace
