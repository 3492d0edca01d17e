#pragma once

#include "wire/rate.hpp"
#include "wire/request.hpp"

namespace tailrace::wire {

/// Reads what an answer's headers say of the account's budget, in the forms that are about:
///
/// - `X-HubSpot-RateLimit-Max`, `-Remaining`, `-Interval-Milliseconds`, `-Daily`,
///   `-Daily-Remaining`;
/// - `RateLimit` and `RateLimit-Policy`, and before them `RateLimit-Limit`, `-Remaining`, `-Reset`,
///   as the drafts of the IETF's "RateLimit header fields for HTTP" have had them;
/// - `X-RateLimit-…` and `X-Rate-Limit-…` with `Limit`, `Remaining` and `Reset`, and `X-Rate-Limit`
///   for the limit;
/// - `Sforce-Limit-Info: api-usage=18/5000`, calls of the day.
///
/// A reset that is a point in time is read against the answer's own `Date`, so that no clock but
/// the tool's counts; without a date it is passed over. Of several policies the one with the least
/// left counts. What is no plain number, negative, or more than the limit is passed over.
[[nodiscard]] RateHint read_rate_headers(const Reply& reply);

}  // namespace tailrace::wire
