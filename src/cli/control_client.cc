#include "cli/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::cli {
namespace {

// Until the descriptor is ready, has failed, or the deadline has passed: then false.
bool wait_for(int fd, short events, Time deadline) {
  pollfd entry{fd, events, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int count =
        ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000)));
    if (count > 0) return true;
    if (count == 0 && left <= 0) return false;
    if (count < 0 && errno != EINTR) return false;
  }
}

Result<UniqueFd> connect_to(const std::string& socket) {
  const Address address = TRY(Address::parse("unix:" + socket));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  if (::connect(fd.get(), address.data(), address.size()) != 0) return fail_errno(socket, errno);
  return fd;
}

Result<void> send_all(int fd, std::string_view text, const std::string& socket, Time deadline) {
  while (!text.empty()) {
    if (!wait_for(fd, POLLOUT, deadline)) return fail_errno(socket, ETIMEDOUT);
    const ssize_t count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail_errno(socket, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string> receive_all(int fd, const std::string& socket, Time deadline) {
  std::string received;
  std::array<char, 65536> buffer;
  while (received.size() <= kMaxReply) {
    if (!wait_for(fd, POLLIN, deadline)) return fail_errno(socket, ETIMEDOUT);
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail_errno(socket, errno);
    if (count == 0) return received;
    received.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return fail(socket + ": the reply is too long");
}

// The value of Content-Length, if there is one.
std::optional<std::size_t> content_length(std::string_view head) {
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    static constexpr std::string_view kName = "content-length:";
    const auto same = [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    };
    if (line.size() < kName.size() ||
        !std::ranges::equal(line.substr(0, kName.size()), kName, same))
      continue;
    line.remove_prefix(std::min(line.find_first_not_of(' ', kName.size()), line.size()));
    std::size_t length = 0;
    const auto [last, error] = std::from_chars(line.data(), line.data() + line.size(), length);
    if (error == std::errc()) return length;
  }
  return std::nullopt;
}

std::string listed(const std::vector<std::string>& texts, std::string_view last_separator) {
  std::string list;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) list += i + 1 == texts.size() ? last_separator : ", ";
    list += texts[i];
  }
  return list;
}

}  // namespace

Result<config::Instance> find_instance(const std::string& socket,
                                       const std::vector<std::string>& folders) {
  if (!socket.empty()) {
    auto instance = config::instance_on(socket);
    if (instance) return instance;
    return fail("no roundhouse answers on " + instance.error().message);
  }
  auto instances = config::running_instances(folders);
  if (instances.size() == 1) return std::move(instances.front());
  if (instances.empty()) {
    std::vector<std::string> closed;
    for (const std::string& folder : folders)
      if (::access(folder.c_str(), R_OK | X_OK) != 0 && errno == EACCES) closed.push_back(folder);
    if (!closed.empty()) {
      return fail("no roundhouse of yours is running; " + listed(closed, " and ") +
                  " cannot be read: Permission denied (if one runs there, ask as its user)");
    }
    return fail("no roundhouse is running: nobody answers in " + listed(folders, " or ") +
                " (for one elsewhere: --socket PATH)");
  }
  std::string message = "several instances are running; say which with --socket PATH:";
  for (const config::Instance& instance : instances) {
    message += "\n  " + instance.socket;
    if (instance.pid > 0) message += "  (edge " + std::to_string(instance.pid) + ")";
  }
  return fail(std::move(message));
}

Result<Reply> request(const std::string& socket, std::string_view method, std::string_view path,
                      Duration within, std::string_view body) {
  const Time deadline = Clock::now() + within;
  const UniqueFd fd = TRY(connect_to(socket));
  std::string text(method);
  text += ' ';
  text += path;
  text +=
      " HTTP/1.0\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  TRY_VOID(send_all(fd.get(), text, socket, deadline));
  const std::string received = TRY(receive_all(fd.get(), socket, deadline));

  const auto end = received.find("\r\n\r\n");
  const bool is_http =
      received.starts_with("HTTP/1.") && end != std::string::npos && received.size() > 12;
  Reply reply;
  if (!is_http ||
      std::from_chars(received.data() + 9, received.data() + 12, reply.status).ec != std::errc()) {
    return fail(socket + ": what answers is not a roundhouse");
  }
  reply.body = received.substr(end + 4);
  if (content_length(received.substr(0, end)).value_or(reply.body.size()) != reply.body.size()) {
    return fail(socket + ": the reply was cut off");
  }
  return reply;
}

bool wait_for_end(pid_t pid, Duration within) {
  if (pid <= 0) return false;
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno == ESRCH;
  return wait_for(process.get(), POLLIN, Clock::now() + within);
}

}  // namespace roundhouse::cli
