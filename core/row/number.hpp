#pragma once

#include <string>
#include <string_view>

namespace tailrace {

/// Appends the compared form of a float: sign, at most `digits` significant digits without zeros
/// at either end, `e`, exponent of the last digit; 0 for both zeros. Whole numbers below 2^53 keep
/// all their digits. Works on the decimal text, half to even. The same value gives the same bytes
/// whichever notation the source used (1e+15, 1000000000000000, 1.0). NaN and the infinities, and
/// text that is no number, are appended as they stand. digits = 0: no rounding, the text as it
/// stands. Format 1 of the state rests on it: what it writes may never change.
void append_compared_float(std::string& out, std::string_view text, int digits);

}  // namespace tailrace
