#include "row/hash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <xxhash.h>

#include <fstream>
#include <iomanip>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tailrace {
namespace {

Hasher::Secret fixed_secret() {
  Hasher::Secret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return secret;
}

Column column(Type type, int digits = kDefaultDigits) { return {"c", type, Nulls::clear, digits}; }

/// Four fields and a key column behind them.
Schema plain_schema() {
  Schema schema;
  schema.columns.assign(5, column(Type::text));
  schema.field_count = 4;
  schema.key = {4};
  return schema;
}

/// Text, floats at 12 digits, at 3 and exact, a decimal; a key column behind them.
Schema float_schema() {
  Schema schema;
  schema.columns = {column(Type::text),        column(Type::floating), column(Type::floating, 3),
                    column(Type::floating, 0), column(Type::decimal),  column(Type::integer)};
  schema.field_count = 5;
  schema.key = {5};
  return schema;
}

Version version_of(const Hasher& hasher, const std::string& line, const Schema& schema) {
  std::string scratch = "left over from the row before";
  return hasher.version(RowView(line, schema), scratch);
}

std::string hex(std::uint64_t value) {
  std::ostringstream out;
  out << std::hex << std::setw(16) << std::setfill('0') << value;
  return out.str();
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, '\t');) parts.push_back(part);
  return parts;
}

std::string unescaped(const std::string& raw) {
  std::string scratch;
  return std::string(Cell(raw).text(scratch));
}

TEST(Hasher, GivesTheFrozenHashesOfTheGoldenRows) {
  std::ifstream file(TAILRACE_TEST_DATA "/golden_hashes.tsv");
  ASSERT_TRUE(file) << "tests/data/golden_hashes.tsv is missing";
  std::size_t rows = 0;
  for (std::string record; std::getline(file, record);) {
    if (record.starts_with('#')) continue;
    const std::vector<std::string> parts = split(record);
    ASSERT_EQ(parts.size(), 5U) << record;
    const Schema schema = parts[0] == "plain" ? plain_schema() : float_schema();
    const Hasher hasher(fixed_secret(), unescaped(parts[1]));
    const std::string line = unescaped(parts[2]);
    std::string scratch;
    const IdentityHash identity = hasher.identity(RowView(line, schema).cell(0).text(scratch));
    EXPECT_EQ(hex(identity.high) + hex(identity.low), parts[3]) << record;
    EXPECT_EQ(hex(version_of(hasher, line, schema)), parts[4]) << record;
    ++rows;
  }
  EXPECT_GE(rows, 200U);
}

/// The secret as OpenSSL's own HKDF expands it.
std::vector<std::uint8_t> expanded(const std::string& info) {
  Hasher::Secret key = fixed_secret();
  std::string label = info;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string digest = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
      OSSL_PARAM_construct_end()};
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  std::vector<std::uint8_t> out(192);
  EXPECT_EQ(EVP_KDF_derive(context, out.data(), out.size(), params), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return out;
}

TEST(Hasher, IsXxHash3UnderSecretsExpandedByHkdf) {
  const Hasher hasher(fixed_secret(), "fingerprint");
  const std::string line = "a\tb\tc\td\tkey";
  const std::string fields = "a\tb\tc\td";
  const auto for_identity = expanded("tailrace/1 identity");
  const auto for_version = expanded(std::string("tailrace/1 version") + '\0' + "fingerprint");
  const XXH128_hash_t identity =
      XXH3_128bits_withSecret("x@y.z", 5, for_identity.data(), for_identity.size());
  EXPECT_EQ(hasher.identity("x@y.z"), (IdentityHash{identity.high64, identity.low64}));
  EXPECT_EQ(
      version_of(hasher, line, plain_schema()),
      XXH3_64bits_withSecret(fields.data(), fields.size(), for_version.data(), for_version.size()));
}

TEST(Hasher, StoreAndMappingEachMakeOtherHashes) {
  Hasher::Secret other = fixed_secret();
  other[31] ^= 1;
  const Hasher one(fixed_secret(), "m1");
  const Hasher other_store(other, "m1");
  const Hasher other_mapping(fixed_secret(), "m2");
  const std::string line = "a\tb\tc\td\tkey";
  EXPECT_NE(one.identity("a"), other_store.identity("a"));
  EXPECT_EQ(one.identity("a"), other_mapping.identity("a"));
  const std::set<Version> versions = {version_of(one, line, plain_schema()),
                                      version_of(other_store, line, plain_schema()),
                                      version_of(other_mapping, line, plain_schema())};
  EXPECT_EQ(versions.size(), 3U);
}

TEST(Hasher, UnmappedKeyColumnsAreNoPartOfTheVersion) {
  const Hasher hasher(fixed_secret(), "m");
  EXPECT_EQ(version_of(hasher, "a\tb\tc\td\t1", plain_schema()),
            version_of(hasher, "a\tb\tc\td\t2", plain_schema()));
  EXPECT_EQ(version_of(hasher, "a\t1\t1\t1\t1\t7", float_schema()),
            version_of(hasher, "a\t1\t1\t1\t1\t8", float_schema()));
}

TEST(Hasher, FieldsThatLookAlikeStayApart) {
  const Hasher hasher(fixed_secret(), "m");
  const std::vector<std::string> lines = {
      "a\tb\t\t\tk",      "a\t\tb\t\tk",  "ab\t\t\t\tk",          "\t\t\t\tk",
      "\\N\t\t\t\tk",     "\t\\N\t\t\tk", "\\\\N\t\t\t\tk",       "a\\tb\t\t\t\tk",
      "a\\\\tb\t\t\t\tk", "N\t\t\t\tk",   "\\N\t\\N\t\\N\t\\N\tk"};
  std::set<Version> versions;
  for (const std::string& line : lines) versions.insert(version_of(hasher, line, plain_schema()));
  EXPECT_EQ(versions.size(), lines.size());
}

TEST(Hasher, NoiseInAFloatIsNoOtherVersion) {
  const Hasher hasher(fixed_secret(), "m");
  const auto version = [&](const std::string& line) {
    return version_of(hasher, line, float_schema());
  };
  const Version base = version("a\t0.3\t1.5\t0.1\t1.10\t7");
  EXPECT_EQ(version("a\t0.30000000000000004\t1.5\t0.1\t1.10\t7"), base);
  EXPECT_EQ(version("a\t3e-1\t1.5004\t0.1\t1.10\t7"), base);
  EXPECT_NE(version("a\t0.30001\t1.5\t0.1\t1.10\t7"), base);
  EXPECT_NE(version("a\t0.3\t1.51\t0.1\t1.10\t7"), base);
  EXPECT_NE(version("a\t0.3\t1.5\t0.10000000000000001\t1.10\t7"), base) << "digits: exact";
  EXPECT_NE(version("a\t0.3\t1.5\t0.1\t1.1\t7"), base) << "a decimal is its text";
  EXPECT_NE(version("a\t\\N\t1.5\t0.1\t1.10\t7"), version("a\t0\t1.5\t0.1\t1.10\t7"));
}

TEST(Hasher, TheTypeOfAWholeNumberMakesNoDifference) {
  const Hasher hasher(fixed_secret(), "m");
  Schema as_text = plain_schema();
  Schema as_integer = plain_schema();
  as_integer.columns[1] = column(Type::integer);
  const std::string line = "a\t42\t\\N\tx\tk";
  EXPECT_EQ(version_of(hasher, line, as_text), version_of(hasher, line, as_integer));
}

TEST(Hasher, RefusesALineWithTooFewColumns) {
  const Hasher hasher(fixed_secret(), "m");
  EXPECT_THROW(version_of(hasher, "", plain_schema()), std::out_of_range);
  EXPECT_THROW(version_of(hasher, "a\t1\t2\t7", float_schema()), std::out_of_range);
}

TEST(Hasher, EveryLengthOfAnIdentityHasItsOwnHash) {
  const Hasher hasher(fixed_secret(), "m");
  std::set<IdentityHash> hashes;
  std::string text;
  for (std::size_t length = 0; length <= 1100; ++length) {
    hashes.insert(hasher.identity(text));
    text.push_back('a');
  }
  EXPECT_EQ(hashes.size(), 1101U);
}

}  // namespace
}  // namespace tailrace
