#include "support/name_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>

namespace roundhouse::test {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kAnswer = 0x8580;  // a response, authoritative, recursion as wished
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kServerFailed = 2;
constexpr std::uint16_t kNoSuchName = 3;
constexpr std::size_t kUdpMost = 512;

std::string two(std::uint32_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}
std::string four(std::uint32_t number) { return two(number >> 16) + two(number & 0xFFFF); }

std::uint16_t two_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

std::string encoded(const std::string& name) {
  std::string bytes;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    bytes += static_cast<char>(end - at);
    bytes += name.substr(at, end - at);
    at = end + 1;
  }
  return bytes + '\0';
}

}  // namespace

NameServer::NameServer() : stop_(::eventfd(0, EFD_CLOEXEC)) {
  for (int tries = 0; tries < 100 && !tcp_; ++tries) {
    udp_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Address any = Address::loopback(0);
    EXPECT_EQ(::bind(udp_.get(), any.data(), any.size()), 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    address_ = Address(reinterpret_cast<sockaddr*>(&bound), size);
    tcp_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(tcp_.get(), address_.data(), address_.size()) != 0) tcp_.reset();
  }
  EXPECT_EQ(::listen(tcp_.get(), 16), 0);
  thread_ = std::thread([this] { serve(); });
}

NameServer::~NameServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::string NameServer::resolver() const {
  return "resolver: {servers: '" + address_.to_string() + "', timeout: 200ms}\n";
}

void NameServer::set(const std::string& name, const std::vector<std::string>& addresses,
                     std::uint32_t ttl) {
  Records records{.ttl = ttl};
  for (const std::string& text : addresses) {
    char bytes[16];
    const bool v6 = text.find(':') != text.npos;
    EXPECT_EQ(::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes), 1);
    (v6 ? records.v6 : records.v4).emplace_back(bytes, v6 ? 16 : 4);
  }
  const std::lock_guard lock(mutex_);
  names_[name] = records;
}

void NameServer::set_services(const std::string& name, const std::vector<Service>& services,
                              std::uint32_t ttl) {
  Records records{.ttl = ttl};
  for (const Service& service : services)
    records.services.push_back(two(service.priority) + two(service.weight) + two(service.port) +
                               encoded(service.target));
  const std::lock_guard lock(mutex_);
  names_[name] = records;
}

void NameServer::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  names_.erase(name);
}

void NameServer::be(Mood mood) {
  const std::lock_guard lock(mutex_);
  mood_ = mood;
}

void NameServer::forge(const std::string& address) {
  in_addr bytes{};
  EXPECT_EQ(::inet_pton(AF_INET, address.c_str(), &bytes), 1);
  const std::lock_guard lock(mutex_);
  forged_.assign(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

std::size_t NameServer::asked(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(name);
  return found == asked_.end() ? 0 : found->second;
}

std::size_t NameServer::asked_over_tcp() const {
  const std::lock_guard lock(mutex_);
  return over_tcp_;
}

void NameServer::serve() {
  while (true) {
    pollfd all[3] = {{stop_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
    ::poll(all, 3, -1);
    if (all[0].revents != 0) return;
    if (all[1].revents != 0) serve_udp();
    if (all[2].revents != 0) serve_tcp();
  }
}

void NameServer::serve_udp() {
  char query[4096];
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const ssize_t got =
      ::recvfrom(udp_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (got < 12) return;
  const std::string_view text(query, static_cast<std::size_t>(got));
  const auto send = [&](const std::string& bytes) {
    ::sendto(udp_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  };
  std::string forged;
  {
    const std::lock_guard lock(mutex_);
    forged = forged_;
  }
  const Question question = question_of(text);
  if (!forged.empty() && question.type == kTypeA) {
    const std::uint16_t id = two_at(text, 0);
    send(message(static_cast<std::uint16_t>(id + 1), question, kAnswer, {forged}, 60));
    Question other = question;
    other.bytes = encoded("elsewhere.test") + two(kTypeA) + two(1);
    send(message(id, other, kAnswer, {forged}, 60));
  }
  if (const std::string bytes = answer(text, kUdpMost); !bytes.empty()) send(bytes);
}

// One query on each connection.
void NameServer::serve_tcp() {
  const UniqueFd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char query[4096];
  std::size_t size = 0;
  while (size < 2 || size < 2U + two_at(query, 0)) {
    const ssize_t got = ::recv(fd.get(), query + size, sizeof query - size, 0);
    if (got <= 0) return;
    size += static_cast<std::size_t>(got);
  }
  {
    const std::lock_guard lock(mutex_);
    ++over_tcp_;
  }
  const std::string bytes = answer({query + 2, size - 2}, 65535);
  const std::string framed = two(static_cast<std::uint32_t>(bytes.size())) + bytes;
  if (!bytes.empty()) ::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
}

NameServer::Question NameServer::question_of(std::string_view query) {
  Question question;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(query[at]));
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > query.size()) return question;
  question.type = two_at(query, at + 1);
  question.bytes = query.substr(12, at + 5 - 12);
  return question;
}

std::string NameServer::answer(std::string_view query, std::size_t most) {
  const Question question = question_of(query);
  const std::uint16_t id = two_at(query, 0);
  const std::lock_guard lock(mutex_);
  ++asked_[question.name];
  if (mood_ == Mood::kSilent) return "";
  if (mood_ == Mood::kGarbage) return two(id) + std::string(40, '\xFF');
  if (mood_ == Mood::kRefuses) return message(id, question, kAnswer | kServerFailed, {}, 0);
  const auto found = names_.find(question.name);
  if (found == names_.end()) return message(id, question, kAnswer | kNoSuchName, {}, 0);
  const Records& records = found->second;
  const auto& data = question.type == kTypeA      ? records.v4
                     : question.type == kTypeAaaa ? records.v6
                                                  : records.services;
  const std::string whole = message(id, question, kAnswer, data, records.ttl);
  if (whole.size() <= most) return whole;
  return message(id, question, kAnswer | kTruncated, {}, 0);
}

std::string NameServer::message(std::uint16_t id, const Question& question, std::uint16_t flags,
                                const std::vector<std::string>& records, std::uint32_t ttl) {
  std::string bytes = two(id) + two(flags) + two(1) +
                      two(static_cast<std::uint32_t>(records.size())) + four(0) + question.bytes;
  for (const std::string& data : records)
    bytes += two(0xC00C) + two(question.type) + two(1) + four(ttl) +
             two(static_cast<std::uint32_t>(data.size())) + data;
  return bytes;
}

}  // namespace roundhouse::test
