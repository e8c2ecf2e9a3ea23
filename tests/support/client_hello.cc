#include "support/client_hello.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "support/client.h"

namespace roundhouse::test {
namespace {

constexpr std::size_t kRandom = 32;
// One record holds a hello with so many suites.
constexpr std::uint32_t kSuitesAtOnce = 8000;

constexpr std::uint16_t kSupportedGroups = 10;
constexpr std::uint16_t kPointFormats = 11;
constexpr std::uint16_t kSignatureAlgorithms = 13;
constexpr std::uint16_t kSupportedVersions = 43;
constexpr std::uint16_t kKeyShare = 51;

enum Content : std::uint8_t { kAlert = 21, kHandshake = 22 };
enum Message : std::uint8_t {
  kServerHello = 2,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kServerHelloDone = 14,
};

std::string number(std::size_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

// With its length, of so many bytes, before it.
std::string vector_of(const std::string& content, std::size_t length_bytes) {
  return number(content.size(), length_bytes) + content;
}

std::string numbers(const std::vector<std::uint16_t>& values) {
  std::string text;
  for (const std::uint16_t value : values) text += number(value, 2);
  return text;
}

// Bytes that are taken from the front; what is short reads as nothing.
class Bytes {
 public:
  explicit Bytes(std::string_view all) : rest_(all) {}
  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }
  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    for (const char byte : take(bytes)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::uint16_t two() { return static_cast<std::uint16_t>(number(2)); }
  std::string_view vector(std::size_t length_bytes) { return take(number(length_bytes)); }

 private:
  std::string_view rest_;
};

void read_server_hello(Bytes message, ServerAnswer& answer) {
  answer.version = message.two();
  message.take(kRandom);
  message.vector(1);  // session id
  answer.suite = message.two();
  answer.compression = static_cast<int>(message.number(1));
  Bytes extensions(message.vector(2));
  while (!extensions.empty()) {
    const std::uint16_t type = extensions.two();
    answer.extensions[type] = extensions.vector(2);
  }
  if (answer.extensions.contains(kSupportedVersions))
    answer.version = Bytes(answer.extensions[kSupportedVersions]).two();
  if (answer.extensions.contains(kKeyShare))
    answer.group = Bytes(answer.extensions[kKeyShare]).two();
}

void read_certificates(Bytes message, ServerAnswer& answer) {
  Bytes chain(message.vector(3));
  while (!chain.empty()) answer.certificates.emplace_back(chain.vector(3));
}

// Of ECDHE: RFC 8422, 5.4.
void read_key_exchange(Bytes message, ServerAnswer& answer) {
  message.take(1);  // named_curve
  answer.group = message.two();
  message.vector(1);  // the point
  answer.signature = message.two();
}

// False: there is no more to come that a client which only listens would see.
bool read_message(std::uint8_t type, Bytes message, ServerAnswer& answer) {
  switch (type) {
    case kServerHello:
      read_server_hello(message, answer);
      return answer.version != tls::kTls13;
    case kCertificate:
      read_certificates(message, answer);
      return true;
    case kServerKeyExchange:
      read_key_exchange(message, answer);
      return true;
    case kServerHelloDone:
      return false;
    default:
      return true;
  }
}

// Whole records of a connection, and the handshake messages in them.
class Listener {
 public:
  explicit Listener(Client& client) : client_(client) {}

  ServerAnswer listen() {
    ServerAnswer answer;
    while (fill(5)) {
      const auto type = static_cast<std::uint8_t>(received_[0]);
      const std::size_t size = Bytes(std::string_view(received_).substr(3, 2)).number(2);
      if (!fill(5 + size)) break;
      const std::string record = received_.substr(5, size);
      received_.erase(0, 5 + size);
      if (type == kAlert && record.size() == 2) {
        answer.alert = static_cast<unsigned char>(record[1]);
        return answer;
      }
      if (type != kHandshake) return answer;
      handshake_ += record;
      if (!read_messages(answer)) return answer;
    }
    return answer;
  }

 private:
  bool fill(std::size_t wanted) {
    std::array<char, 16384> piece;
    while (received_.size() < wanted) {
      const ssize_t count = ::recv(client_.fd(), piece.data(), piece.size(), 0);
      if (count <= 0) return false;
      received_.append(piece.data(), static_cast<std::size_t>(count));
    }
    return true;
  }

  bool read_messages(ServerAnswer& answer) {
    while (handshake_.size() >= 4) {
      const std::size_t size = Bytes(std::string_view(handshake_).substr(1, 3)).number(3);
      if (handshake_.size() < 4 + size) return true;
      const std::string message = handshake_.substr(4, size);
      const auto type = static_cast<std::uint8_t>(handshake_[0]);
      handshake_.erase(0, 4 + size);
      if (!read_message(type, Bytes(message), answer)) return false;
    }
    return true;
  }

  Client& client_;
  std::string received_;
  std::string handshake_;
};

}  // namespace

std::string ClientHello::to_record() const {
  const bool is_13 = version == tls::kTls13;
  std::map<std::uint16_t, std::string> extensions = more_extensions;
  extensions[kPointFormats] = vector_of(std::string(1, '\0'), 1);
  extensions[kSupportedGroups] = vector_of(numbers(groups), 2);
  if (!signatures.empty()) extensions[kSignatureAlgorithms] = vector_of(numbers(signatures), 2);
  if (is_13) {
    extensions[kSupportedVersions] = vector_of(number(tls::kTls13, 2), 1);
    extensions[kKeyShare] = vector_of("", 2);
  }
  std::string listed;
  for (const auto& [type, content] : extensions) listed += number(type, 2) + vector_of(content, 2);
  const std::string body = number(is_13 ? tls::kTls12 : version, 2) + std::string(kRandom, 'r') +
                           vector_of("", 1) + vector_of(numbers(suites), 2) +
                           vector_of(compressions, 1) + vector_of(listed, 2);
  const std::string message = number(1, 1) + vector_of(body, 3);
  return number(kHandshake, 1) + number(std::min(version, tls::kTls10), 2) + vector_of(message, 2);
}

ServerAnswer offer(const Address& server, const ClientHello& hello) {
  Client client(server);
  EXPECT_TRUE(client.connected());
  EXPECT_TRUE(client.send(hello.to_record()));
  return Listener(client).listen();
}

std::vector<std::uint16_t> accepted_suites(const Address& server, const ClientHello& hello) {
  std::vector<std::uint16_t> accepted;
  for (std::uint32_t from = 0; from <= 0xffff; from += kSuitesAtOnce) {
    ClientHello part = hello;
    part.suites.clear();
    for (std::uint32_t suite = from; suite <= 0xffff && suite < from + kSuitesAtOnce; ++suite)
      if (suite != tls::kFallbackScsv) part.suites.push_back(static_cast<std::uint16_t>(suite));
    for (;;) {
      const ServerAnswer answer = offer(server, part);
      if (!answer.accepted()) break;
      EXPECT_EQ(std::erase(part.suites, answer.suite), 1U) << "it was not offered";
      accepted.push_back(answer.suite);
    }
  }
  return accepted;
}

}  // namespace roundhouse::test
