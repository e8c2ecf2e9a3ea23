#include "http/forwarding.h"

#include <algorithm>
#include <span>

namespace roundhouse::http {
namespace {

constexpr std::array<std::string_view, 3> kAlways = {"Keep-Alive", "Proxy-Connection", "TE"};
// Options of Connection that name no field.
constexpr std::array<std::string_view, 2> kOptions = {"close", "keep-alive"};

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

}  // namespace

HopByHop::HopByHop(const FieldTable& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id != FieldId::kConnection) continue;
    ListReader list(fields[i].value);
    for (auto name = list.next(); name && !too_many_; name = list.next()) add(*name);
  }
}

void HopByHop::add(std::string_view name) {
  if (is_among(kOptions, name) || is_among({names_.data(), count_}, name)) return;
  if (count_ == kNamesMax)
    too_many_ = true;
  else
    names_[count_++] = name;
}

bool HopByHop::is_always(std::string_view name) { return is_among(kAlways, name); }

bool HopByHop::holds(const Field& field) const {
  switch (field.id) {
    case FieldId::kConnection:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    case FieldId::kHost:
    case FieldId::kContentLength:
      return false;
    case FieldId::kExpect:
    case FieldId::kOther:
      break;
  }
  return is_always(field.name) || is_among({names_.data(), count_}, field.name);
}

}  // namespace roundhouse::http
