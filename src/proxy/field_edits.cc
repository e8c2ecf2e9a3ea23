#include "proxy/field_edits.h"

#include <algorithm>

#include "http/message.h"

namespace roundhouse::proxy {
namespace {

// What a placeholder leaves when there is nothing for it: white space that no value may end in.
std::string_view trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace

FieldEdits::FieldEdits(const config::FieldEdits& config) : drops_(config.remove) {
  for (const config::Variable& field : config.set) {
    drops_.push_back(field.name);
    writes_.push_back({field.name, config::TextTemplate::parse(field.value).value()});
  }
  for (const config::Variable& field : config.add)
    writes_.push_back({field.name, config::TextTemplate::parse(field.value).value()});
}

bool FieldEdits::drops(std::string_view name) const {
  return std::ranges::any_of(drops_, [&](const std::string& dropped) {
    return http::equals_ignoring_case(dropped, name);
  });
}

void FieldEdits::write(const RequestFacts& facts, http::HeadWriter& head) const {
  for (const Written& field : writes_) {
    const std::string filled = filled_in(field.value, facts);
    const std::string_view value = trimmed(filled);
    if (!value.empty()) head.field(field.name, value);
  }
}

}  // namespace roundhouse::proxy
