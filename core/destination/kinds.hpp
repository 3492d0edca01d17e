#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace {

/// One for each file of a tool; the registry has a line for each. Arguments and errors as for
/// make_destination.
[[nodiscard]] std::unique_ptr<Destination> make_function(const nlohmann::json& connection,
                                                         const nlohmann::json& object,
                                                         const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_hubspot(const nlohmann::json& connection,
                                                        const nlohmann::json& object,
                                                        const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_klaviyo(const nlohmann::json& connection,
                                                        const nlohmann::json& object,
                                                        const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_mailchimp(const nlohmann::json& connection,
                                                          const nlohmann::json& object,
                                                          const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_marketo(const nlohmann::json& connection,
                                                        const nlohmann::json& object,
                                                        const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_postgres(const nlohmann::json& connection,
                                                         const nlohmann::json& object,
                                                         const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_rest(const nlohmann::json& connection,
                                                     const nlohmann::json& object,
                                                     const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_salesforce(const nlohmann::json& connection,
                                                           const nlohmann::json& object,
                                                           const Schema& schema);
[[nodiscard]] std::unique_ptr<Destination> make_zendesk(const nlohmann::json& connection,
                                                        const nlohmann::json& object,
                                                        const Schema& schema);

}  // namespace tailrace
