// The rows of options.def as data: what can be set where, how it is read, checked, written and
// described.
//
// Every value, whatever its type, has a neutral form: a list of texts (its *items*), one for a
// scalar, several for a list, NAME=value each for variables. Parser, effective text, explain,
// schema and reference page all go through it.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace roundhouse::config {

enum class Section : std::uint8_t { kListener, kPool, kRoute, kUpstream, kConfiguration };

// The order matters to shape() and is_ranged().
enum class Kind : std::uint8_t {
  kCount,
  kWorkers,
  kOptionalCount,
  kDuration,
  kBytes,
  kOptionalBytes,
  kPercent,  // have a range
  kSwitch,   // true or false
  kChoice,
  kText,
  kPath,
  kName,
  kTemplate,
  kRate,  // one text
  kBinds,
  kOptionalBind,
  kSocket,  // addresses
  kWords,
  kServers,
  kMethods,
  kFieldNames,
  kResolvers,
  kHostNames,
  kAccessFields,
  kCertificates,
  kProtocols,
  kNetworks,  // several texts
  kVariables,
  kFields,
  kMatches,
  kListens  // names with values
};

// What the YAML of a value looks like.
enum class Shape : std::uint8_t { kScalar, kList, kMap };

// Why a value is not accepted. `what` completes the sentence "'VALUE' ..." and does not name the
// value.
struct Refusal {
  std::string what;
  std::size_t item = 0;  // which of the items
};

// Of a group of options that are for something that can be on or off: `tls: true` is short for
// `tls: {enabled: true}`.
inline constexpr std::string_view kSwitchKey = "enabled";

using Refusals = std::vector<Refusal>;

using Items = std::vector<std::string>;

struct Option {
  Section section;
  std::string_view key;  // dotted, within the section: "timeouts.drain"
  Kind kind;
  std::int64_t least;  // of a ranged kind; nanoseconds for durations
  std::int64_t most;
  std::string_view help;
  std::span<const std::string_view> choices;  // of kChoice and kAccessFields

  // `structure` is the Listener, Pool, Route, Upstream or Configuration that `section` says.
  // Nothing is assigned if anything is refused.
  Refusals (*assign)(const Option& option, std::span<const std::string> items, void* structure);
  Items (*items_of)(const Option& option, const void* structure);
  Items (*default_items)(const Option& option);
};

// In the order of options.def.
std::span<const Option> options();
const Option* find_option(Section section, std::string_view key);
// The keys that may stand directly below `within` ("" or "timeouts") in a section, in table order.
std::vector<std::string_view> keys_below(Section section, std::string_view within);

Shape shape(Kind kind);
bool is_ranged(Kind kind);
// "a number from 1 to 1024": completes "expected ...".
std::string expectation(const Option& option);
// What is said of a text that was refused: "'7x' is not a whole number; expected ...", with a "did
// you mean" for a choice.
std::string describe_refusal(const Option& option, std::string_view text, std::string_view what);
// A bound of a ranged option as an operator writes it.
std::string format_bound(const Option& option, std::int64_t bound);

// One that stands alone, in a flag or an environment variable. The error is that of
// describe_refusal().
std::expected<Policy, std::string> parse_policy(std::string_view text);
std::expected<AccessFormat, std::string> parse_access_format(std::string_view text);
// Of a program.
std::expected<PoolType, std::string> parse_program_type(std::string_view text);

}  // namespace roundhouse::config
