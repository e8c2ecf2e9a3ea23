#include "proxy/access_format.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iterator>

#include "base/check.h"

namespace roundhouse::proxy {
namespace {

using config::AccessField;
using config::AccessFormat;
using Escaping = LineText::Escaping;

// The longest that each value may become, quotes not counted.
struct Room {
  AccessField field;
  std::size_t bytes;
};
constexpr Room kRooms[] = {{AccessField::kTime, 30},
                           {AccessField::kPool, 64},
                           {AccessField::kWorker, 20},
                           {AccessField::kListener, 64},
                           {AccessField::kRoute, 64},
                           {AccessField::kClient, 64},
                           {AccessField::kPeer, 64},
                           {AccessField::kMethod, 32},
                           {AccessField::kHost, 256},
                           {AccessField::kTarget, 1024},
                           {AccessField::kPath, 512},
                           {AccessField::kProtocol, 16},
                           {AccessField::kStatus, 20},
                           {AccessField::kRequestBytes, 20},
                           {AccessField::kResponseBytes, 20},
                           {AccessField::kDuration, 20},
                           {AccessField::kUpstream, 64},
                           {AccessField::kEndpoint, 112},
                           {AccessField::kUpstreamDuration, 20},
                           {AccessField::kTries, 20},
                           {AccessField::kFailure, 32},
                           {AccessField::kUserAgent, 384},
                           {AccessField::kReferer, 256},
                           {AccessField::kRequestId, 128},
                           {AccessField::kConnection, 20},
                           {AccessField::kConnectionRequests, 20},
                           {AccessField::kTlsVersion, 12},
                           {AccessField::kTlsCipher, 36},
                           {AccessField::kTlsServerName, 100},
                           {AccessField::kTlsProtocol, 12},
                           {AccessField::kTlsClient, 128}};
static_assert(std::size(kRooms) == config::kAccessFields);
constexpr bool rooms_are_in_order() {
  for (std::size_t i = 0; i < std::size(kRooms); ++i) {
    if (static_cast<std::size_t>(kRooms[i].field) != i) return false;
  }
  return true;
}
static_assert(rooms_are_in_order());

// `,"name":"value"` of each, and what ends the line.
constexpr std::size_t longest_line() {
  std::size_t sum = 4;
  for (const Room& room : kRooms) sum += config::to_string(room.field).size() + 6 + room.bytes;
  return sum;
}
static_assert(longest_line() <= AccessFormatter::kLineMax);

constexpr std::size_t room_of(AccessField field) {
  return kRooms[static_cast<std::size_t>(field)].bytes;
}

// "10.0.0.9", "10.0.0.9:4321", "[::1]:80", "unix". IPv4, the usual one, without an allocation.
class PeerName {
 public:
  PeerName(const ipc::ConnectionInfo& info, bool with_port) {
    if (info.peer_family != AF_INET) {
      const Address peer = ipc::peer_of(info);
      other_ = peer.is_unix() || !with_port ? peer.host() : peer.to_string();
      return;
    }
    for (int i = 0; i < 4; ++i) {
      if (i > 0) line_.put('.');
      line_.put(std::uint64_t{info.peer_host[i]});
    }
    if (!with_port) return;
    line_.put(':');
    line_.put(std::uint64_t{info.peer_port});
  }
  PeerName(const PeerName&) = delete;
  PeerName& operator=(const PeerName&) = delete;

  std::string_view text() const { return line_.size() > 0 ? line_.text() : other_; }

 private:
  std::array<char, 24> room_;
  LineText line_{room_};
  std::string other_;
};

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

}  // namespace

void AccessTime::set(double unix_seconds, AccessFormat format) {
  const auto second = static_cast<std::int64_t>(std::floor(unix_seconds));
  const bool combined = format == AccessFormat::kCombined;
  if (second != second_) {
    second_ = second;
    const auto time = static_cast<std::time_t>(second);
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    size_ = std::strftime(text_.data(), text_.size(),
                          combined ? "%d/%b/%Y:%H:%M:%S +0000" : "%Y-%m-%dT%H:%M:%S.000Z", &utc);
  }
  if (combined) return;
  const double fraction = unix_seconds - static_cast<double>(second);
  const int ms = std::clamp(static_cast<int>(fraction * 1000), 0, 999);
  char* const digits = text_.data() + size_ - 4;
  digits[0] = static_cast<char>('0' + ms / 100);
  digits[1] = static_cast<char>('0' + ms / 10 % 10);
  digits[2] = static_cast<char>('0' + ms % 10);
}

AccessFormatter::AccessFormatter(const config::AccessLog& options, std::string_view pool,
                                 std::uint32_t worker)
    : format_(options.format), pool_(pool), worker_(worker) {
  CHECK(format_ != AccessFormat::kOff);
  std::vector<AccessField> fields = options.fields;
  if (fields.empty()) {
    for (std::size_t i = 0; i < config::kAccessFields; ++i)
      fields.push_back(static_cast<AccessField>(i));
  }
  for (const AccessField field : fields) {
    const std::string name(config::to_string(field));
    const bool first = columns_.empty();
    const std::string before = format_ == AccessFormat::kJson
                                   ? (first ? "{\"" : ",\"") + name + "\":"
                                   : (first ? "" : " ") + name + "=";
    columns_.push_back({field, before});
    wanted_[static_cast<std::size_t>(field)] = true;
  }
  if (format_ != AccessFormat::kCombined) return;
  wanted_.fill(true);
}

std::size_t AccessFormatter::write(const AccessRecord& record, std::string_view time,
                                   std::span<char> out) const {
  CHECK(out.size() >= kLineMax && record.connection != nullptr);
  LineText line(out.first(kLineMax));
  if (format_ == AccessFormat::kCombined) {
    write_combined(record, time, line);
  } else {
    for (const Column& column : columns_) {
      line.put(column.before);
      write_value(column.field, record, time, line);
    }
    if (format_ == AccessFormat::kJson) line.put('}');
  }
  line.put('\n');
  return line.size();
}

// 127.0.0.1 - - [25/Nov/2026:22:16:13 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/7.88.1"
void AccessFormatter::write_combined(const AccessRecord& record, std::string_view time,
                                     LineText& line) const {
  const auto escaped = [&](AccessField field, std::string_view text) {
    line.put_escaped(text, Escaping::kHex, room_of(field));
  };
  const PeerName peer(*record.connection, false);
  escaped(AccessField::kClient, record.client.empty() ? peer.text() : record.client);
  line.put(" - - [");
  line.put(time);
  line.put("] \"");
  if (record.method.empty()) {
    line.put('-');
  } else {
    escaped(AccessField::kMethod, record.method);
    line.put(' ');
    line.put_url(record.target, Escaping::kHex, room_of(AccessField::kTarget));
    if (!record.protocol.empty()) line.put(' ');
    escaped(AccessField::kProtocol, record.protocol);
  }
  line.put("\" ");
  line.put(static_cast<std::uint64_t>(record.status));
  line.put(' ');
  line.put(record.response_bytes);
  line.put(" \"");
  line.put_url(or_dash(record.referer), Escaping::kHex, room_of(AccessField::kReferer));
  line.put("\" \"");
  escaped(AccessField::kUserAgent, or_dash(record.user_agent));
  line.put('"');
}

void AccessFormatter::write_nothing(LineText& line) const {
  line.put(format_ == AccessFormat::kJson ? "null" : "\"\"");
}

void AccessFormatter::write_text(AccessField field, std::string_view text, LineText& line) const {
  const bool quoted = format_ == AccessFormat::kJson || !is_plain(text);
  if (quoted) line.put('"');
  line.put_escaped(text, Escaping::kJson, room_of(field));
  if (quoted) line.put('"');
}

void AccessFormatter::write_url(AccessField field, std::string_view url, LineText& line) const {
  const bool quoted = format_ == AccessFormat::kJson || !is_plain(url);
  if (quoted) line.put('"');
  line.put_url(url, Escaping::kJson, room_of(field));
  if (quoted) line.put('"');
}

void AccessFormatter::write_value(AccessField field, const AccessRecord& record,
                                  std::string_view time, LineText& line) const {
  const TlsFacts tls = record.tls == nullptr ? TlsFacts() : *record.tls;
  switch (field) {
    case AccessField::kTime:
      return write_text(field, time, line);
    case AccessField::kPool:
      return write_text(field, pool_, line);
    case AccessField::kWorker:
      return line.put(std::uint64_t{worker_});
    case AccessField::kListener:
      return write_text(field, record.listener, line);
    case AccessField::kRoute:
      return write_text(field, record.route, line);
    case AccessField::kClient:
      if (!record.client.empty()) return write_text(field, record.client, line);
      return write_text(field, PeerName(*record.connection, false).text(), line);
    case AccessField::kPeer:
      return write_text(field, PeerName(*record.connection, true).text(), line);
    case AccessField::kMethod:
      return write_text(field, record.method, line);
    case AccessField::kHost:
      return write_text(field, record.host, line);
    case AccessField::kTarget:
      return write_url(field, record.target, line);
    case AccessField::kPath:
      return write_url(field, record.path, line);
    case AccessField::kProtocol:
      return write_text(field, record.protocol, line);
    case AccessField::kStatus:
      return line.put(static_cast<std::uint64_t>(record.status));
    case AccessField::kRequestBytes:
      return line.put(record.request_bytes);
    case AccessField::kResponseBytes:
      return line.put(record.response_bytes);
    case AccessField::kDuration:
      return line.put_seconds(record.duration.count());
    case AccessField::kUpstream:
      return write_text(field, record.upstream, line);
    case AccessField::kEndpoint:
      return write_text(field, record.endpoint, line);
    case AccessField::kUpstreamDuration:
      if (!record.upstream_duration) return write_nothing(line);
      return line.put_seconds(record.upstream_duration->count());
    case AccessField::kTries:
      return line.put(std::uint64_t{record.tries});
    case AccessField::kFailure:
      return write_text(
          field, record.failure == http::Failure::kNone ? "" : http::row_of(record.failure).name,
          line);
    case AccessField::kUserAgent:
      return write_text(field, record.user_agent, line);
    case AccessField::kReferer:
      return write_url(field, record.referer, line);
    case AccessField::kRequestId:
      return write_text(field, record.request_id, line);
    case AccessField::kConnection:
      return line.put(record.connection->id);
    case AccessField::kConnectionRequests:
      return line.put(std::uint64_t{record.connection_requests});
    case AccessField::kTlsVersion:
      return write_text(field, tls.version, line);
    case AccessField::kTlsCipher:
      return write_text(field, tls.cipher, line);
    case AccessField::kTlsServerName:
      return write_text(field, tls.server_name, line);
    case AccessField::kTlsProtocol:
      return write_text(field, tls.protocol, line);
    case AccessField::kTlsClient:
      return write_text(field, tls.client, line);
  }
}

}  // namespace roundhouse::proxy
