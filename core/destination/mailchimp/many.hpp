#pragma once

#include "destination/destination.hpp"

namespace tailrace::mailchimp {

/// What the answer to POST /lists/ID says of the members of a batch, all of whom were sent.
///
/// `alone`: what is refused for want of a status may be sent again by itself, where the status of a
/// new member is known to be enough. The request of many never names one, so that it subscribes
/// nobody again, whatever Mailchimp makes of it; that it takes `status_if_new` is unconfirmed.
[[nodiscard]] Step read_many(const Batch& batch, const wire::Reply& reply, bool alone);

}  // namespace tailrace::mailchimp
