#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/answers.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/rest/requests.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Writes records by the API's own ids, which are looked up by match values first: each is written,
/// or made where there is none. What is passed is referred to.
class ById {
 public:
  ById(const Declaration& declared, const Requests& requests, const Answers& answers,
       const std::string& match_field)
      : declared_(declared), requests_(requests), answers_(answers), match_field_(match_field) {}

  /// Asks for the ids of rows whose id is not known; the others are written.
  [[nodiscard]] Step begin(const Batch& batch) const;
  /// Of a call that is not plain.
  [[nodiscard]] Step reply(const Batch& batch, const Call& call, const wire::Reply& reply) const;
  [[nodiscard]] std::uint64_t requests_for(std::uint64_t rows) const;

 private:
  [[nodiscard]] std::vector<RowIndex> asked_with(const Batch& batch, RowIndex first) const;
  [[nodiscard]] Step read_ids(const Batch& batch, const std::vector<RowIndex>& rows,
                              const Call& call, const wire::Reply& reply) const;
  void add_absent(Step& step, const Batch& batch, RowIndex row, const Call& asked) const;
  [[nodiscard]] Step read_created(const Batch& batch, RowIndex first,
                                  const wire::Reply& reply) const;
  [[nodiscard]] Step read_written(const Batch& batch, RowIndex first,
                                  const wire::Reply& reply) const;

  const Declaration& declared_;
  const Requests& requests_;
  const Answers& answers_;
  const std::string& match_field_;
};

}  // namespace tailrace::rest
