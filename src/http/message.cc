#include "http/message.h"

#include <algorithm>
#include <array>

namespace roundhouse::http {
namespace {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

struct Reason {
  int status;
  std::string_view phrase;
};
constexpr std::array<Reason, 34> kReasons = {{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};
static_assert(std::ranges::is_sorted(kReasons, {}, &Reason::status));

}  // namespace

Method method_of(std::string_view name) {
  switch (name.size()) {
    case 3:
      if (name == "GET") return Method::kGet;
      if (name == "PUT") return Method::kPut;
      break;
    case 4:
      if (name == "POST") return Method::kPost;
      if (name == "HEAD") return Method::kHead;
      break;
    case 5:
      if (name == "PATCH") return Method::kPatch;
      if (name == "TRACE") return Method::kTrace;
      break;
    case 6:
      if (name == "DELETE") return Method::kDelete;
      break;
    case 7:
      if (name == "OPTIONS") return Method::kOptions;
      if (name == "CONNECT") return Method::kConnect;
      break;
    default:
      break;
  }
  return Method::kOther;
}

FieldId field_id_of(std::string_view name) {
  const auto id_if = [name](std::string_view known, FieldId id) {
    return equals_ignoring_case(name, known) ? id : FieldId::kOther;
  };
  switch (name.size()) {  // each length has one candidate
    case 4:
      return id_if("host", FieldId::kHost);
    case 6:
      return id_if("expect", FieldId::kExpect);
    case 7:
      return id_if("upgrade", FieldId::kUpgrade);
    case 10:
      return id_if("connection", FieldId::kConnection);
    case 14:
      return id_if("content-length", FieldId::kContentLength);
    case 17:
      return id_if("transfer-encoding", FieldId::kTransferEncoding);
    default:
      return FieldId::kOther;
  }
}

bool same_letters(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

std::optional<std::string_view> ListReader::next() {
  while (!rest_.empty()) {
    const std::size_t comma = rest_.find(',');
    std::string_view member = rest_.substr(0, comma);
    rest_.remove_prefix(comma == std::string_view::npos ? rest_.size() : comma + 1);
    while (!member.empty() && (member.front() == ' ' || member.front() == '\t'))
      member.remove_prefix(1);
    while (!member.empty() && (member.back() == ' ' || member.back() == '\t'))
      member.remove_suffix(1);
    if (!member.empty()) return member;
  }
  return std::nullopt;
}

std::optional<std::string_view> FieldTable::find(std::string_view name) const {
  for (std::size_t i = 0; i < size_; ++i) {
    const Field field = (*this)[i];
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

void FieldTable::attach(std::string_view bytes) {
  base_ = bytes.data();
  for (std::size_t i = 0; i < size_; ++i) {
    Entry& entry = entries_[i];
    entry.id = field_id_of(bytes.substr(entry.name_begin, entry.name_size));
  }
}

std::string_view reason_phrase(int status) {
  const auto* const found = std::ranges::lower_bound(kReasons, status, {}, &Reason::status);
  return found != kReasons.end() && found->status == status ? found->phrase : "Unknown";
}

}  // namespace roundhouse::http
