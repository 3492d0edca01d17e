#include <stdexcept>
#include <utility>

#include "destination/registry.hpp"
#include "run/engine.hpp"
#include "run/transports.hpp"
#include "source/postgres_source.hpp"
#include "state/store.hpp"

namespace tailrace {

Surroundings real_surroundings(std::unique_ptr<Source> arrow_source,
                               std::shared_ptr<http::CallQueue> calls) {
  Surroundings world;
  // Shared, because std::function is copied; taken by the one run that reads it.
  auto arrow = std::make_shared<std::unique_ptr<Source>>(std::move(arrow_source));
  world.source = [arrow](const RunSpec& spec) -> std::unique_ptr<Source> {
    if (spec.source.kind == "postgres") {
      PostgresSource::Options options;
      options.application_name = spec.source.application_name;
      options.comment = spec.source.comment;
      return std::make_unique<PostgresSource>(spec.source.dsn, spec.source.select, options);
    }
    if (spec.source.kind == "arrow" && *arrow) return std::move(*arrow);
    throw std::invalid_argument("run spec: no source of kind '" + spec.source.kind + "' was given");
  };
  world.store = open_store;
  world.transport = make_transport;
  if (calls) {
    world.transport = [calls](const http::TransportOptions& options) {
      return calls->transport(options);
    };
  }
  world.clock = std::make_shared<SystemClock>();
  world.committer = make_threaded_committer;
  world.destination = make_destination;
  return world;
}

}  // namespace tailrace
