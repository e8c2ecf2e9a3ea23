#include "http/http2_fields.h"

namespace roundhouse::http {
namespace {

bool steers_connection(std::string_view name, FieldId id) {
  return id == FieldId::kConnection || id == FieldId::kTransferEncoding ||
         id == FieldId::kUpgrade || equals_ignoring_case(name, "Keep-Alive") ||
         equals_ignoring_case(name, "Proxy-Connection");
}

}  // namespace

std::string_view split_head(std::string_view head, std::vector<Field>& fields) {
  fields.clear();
  const std::string_view first = head.substr(0, head.find('\r'));
  head.remove_prefix(first.size() + 2);
  for (std::size_t end; (end = head.find('\r')) != 0; head.remove_prefix(end + 2)) {
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    const FieldId id = field_id_of(name);
    if (!steers_connection(name, id))
      fields.push_back({.name = name, .value = line.substr(colon + 2), .id = id});
  }
  return first;
}

}  // namespace roundhouse::http
