#include "config/option_table.h"

#include <algorithm>
#include <concepts>
#include <optional>
#include <type_traits>

#include "config/option_items.h"

namespace roundhouse::config {
namespace {

std::int64_t bound(Duration value) { return value.count(); }
std::int64_t bound(std::integral auto value) { return static_cast<std::int64_t>(value); }

// The type of a member decides how it is read; the kind in the row must be one for that type.
template <typename T>
constexpr bool fits(Kind kind) {
  switch (kind) {
    case Kind::kCount:
    case Kind::kWorkers:
    case Kind::kPercent:
      return std::same_as<T, std::uint32_t>;
    case Kind::kOptionalCount:
      return std::same_as<T, std::optional<std::uint32_t>>;
    case Kind::kDuration:
      return std::same_as<T, Duration>;
    case Kind::kBytes:
      return std::same_as<T, Bytes>;
    case Kind::kOptionalBytes:
      return std::same_as<T, std::optional<Bytes>>;
    case Kind::kSwitch:
      return std::same_as<T, bool>;
    case Kind::kChoice:
      return std::is_enum_v<T>;
    case Kind::kText:
    case Kind::kPath:
    case Kind::kName:
    case Kind::kSocket:
    case Kind::kTemplate:
      return std::same_as<T, std::string>;
    case Kind::kRate:
      return std::same_as<T, Rate>;
    case Kind::kBinds:
      return std::same_as<T, std::vector<Address>>;
    case Kind::kOptionalBind:
      return std::same_as<T, std::optional<Address>>;
    case Kind::kWords:
    case Kind::kMethods:
    case Kind::kFieldNames:
    case Kind::kResolvers:
    case Kind::kHostNames:
    case Kind::kProtocols:
      return std::same_as<T, std::vector<std::string>>;
    case Kind::kAccessFields:
      return std::same_as<T, std::vector<AccessField>>;
    case Kind::kNetworks:
      return std::same_as<T, std::vector<Network>>;
    case Kind::kCertificates:
      return std::same_as<T, std::vector<Certificate>>;
    case Kind::kServers:
      return std::same_as<T, std::vector<Server>>;
    case Kind::kVariables:
    case Kind::kFields:
    case Kind::kMatches:
    case Kind::kListens:
      return std::same_as<T, std::vector<Variable>>;
  }
  return false;
}

}  // namespace

#define MEMBER_TYPE(section, member) decltype(section{}.member)
#define ROW(section, member, kind, default_value, least, most, help)               \
  {Section::k##section,                                                            \
   #member,                                                                        \
   Kind::kind,                                                                     \
   bound(least),                                                                   \
   bound(most),                                                                    \
   help,                                                                           \
   choices_of<MEMBER_TYPE(section, member)>(),                                     \
   [](const Option& option, std::span<const std::string> items, void* structure) { \
     return read(option, items, static_cast<section*>(structure)->member);         \
   },                                                                              \
   [](const Option& option, const void* structure) {                               \
     return write(option, static_cast<const section*>(structure)->member);         \
   },                                                                              \
   [](const Option& option) {                                                      \
     const MEMBER_TYPE(section, member) value = default_value;                     \
     return write(option, value);                                                  \
   }},
#define RANGED(section, member, kind, default_value, least, most, help)              \
  static_assert(fits<MEMBER_TYPE(section, member)>(Kind::kind) && (least) <= (most), \
                #section " " #member);
#define OPTION(section, member, kind, default_value, help) \
  static_assert(fits<MEMBER_TYPE(section, member)>(Kind::kind), #section " " #member);
#include "config/options.def"
#undef RANGED
#undef OPTION

std::span<const Option> options() {
#define RANGED ROW
#define OPTION(section, member, kind, default_value, help) \
  ROW(section, member, kind, default_value, 0, 0, help)
  static const Option kOptions[] = {
#include "config/options.def"
  };
#undef RANGED
#undef OPTION
#undef ROW
#undef MEMBER_TYPE
  return kOptions;
}

const Option* find_option(Section section, std::string_view key) {
  for (const Option& option : options()) {
    if (option.section == section && option.key == key) return &option;
  }
  return nullptr;
}

std::vector<std::string_view> keys_below(Section section, std::string_view within) {
  std::vector<std::string_view> keys;
  for (const Option& option : options()) {
    std::string_view key = option.key;
    if (option.section != section) continue;
    if (!within.empty()) {
      if (!key.starts_with(within) || key.size() <= within.size() || key[within.size()] != '.')
        continue;
      key.remove_prefix(within.size() + 1);
    }
    key = key.substr(0, key.find('.'));
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

// By the order of the enum.
Shape shape(Kind kind) {
  if (kind >= Kind::kVariables) return Shape::kMap;
  return kind >= Kind::kWords || kind == Kind::kBinds ? Shape::kList : Shape::kScalar;
}

bool is_ranged(Kind kind) { return kind <= Kind::kPercent; }

}  // namespace roundhouse::config
