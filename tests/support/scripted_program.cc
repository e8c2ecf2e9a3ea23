// A program that knows nothing of Roundhouse and behaves as its first argument says: for tests of
// pools of programs. It listens where LISTEN_FDS, PORT or SOCKET say.
//
//   serve        answers; on SIGTERM it finishes what it has begun, then exits 0
//   notify       the same, and says READY=1 on NOTIFY_SOCKET first
//   deaf         the same, but ignores SIGTERM
//   silent       never listens
//   elsewhere    listens on a port of its own choice
//   closes       closes every descriptor that it was given, then runs on
//   exit CODE    ends at once
//   parent       forks a child that lives for ever, in its process group, then serves
//   chatter      serves, and prints lines as fast as they are taken
//
// GET /env/NAME is answered with that variable, /wait/FILE as soon as there is such a file, /die by
// dying, /say/TEXT by printing it on both outputs, /status/FILE with the status that FILE.ID holds
// (200 if there is no such file, and not before it changes where it holds "silence"); anything else
// with "program ID\n".
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"

namespace roundhouse {
namespace {

std::atomic<bool> asked_to_stop{false};
std::atomic<int> requests_in_flight{0};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string body_for(const std::string& path) {
  if (path.starts_with("/env/")) return variable(path.c_str() + 5);
  if (path == "/die") std::_Exit(3);
  if (path.starts_with("/say/")) {
    std::printf("out %s\n", path.c_str() + 5);
    std::fflush(stdout);
    std::fprintf(stderr, "err %s\n", path.c_str() + 5);
  }
  if (path.starts_with("/wait/")) {
    while (::access(path.c_str() + 5, F_OK) != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return "program " + variable("ROUNDHOUSE_WORKER_ID") + "\n";
}

std::string status_for(const std::string& path) {
  constexpr const char* kStatus = "/status/";
  std::string status = "200";
  if (!path.starts_with(kStatus)) return status;
  const std::string name =
      path.substr(std::strlen(kStatus) - 1) + "." + variable("ROUNDHOUSE_WORKER_ID");
  for (;;) {
    std::ifstream file(name);
    status = "200";
    if (!(file >> status) || status != "silence") return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void converse(int fd) {
  std::string received;
  char buffer[4096];
  for (;;) {
    const auto end = received.find("\r\n\r\n");
    if (end == received.npos) {
      const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      received.append(buffer, static_cast<std::size_t>(count));
      continue;
    }
    ++requests_in_flight;
    const auto begin = received.find(' ') + 1;
    const std::string path = received.substr(begin, received.find(' ', begin) - begin);
    const std::string body = body_for(path);
    received.erase(0, end + 4);
    const std::string answer = "HTTP/1.1 " + status_for(path) +
                               " Told\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\nProgram-Pid: " + std::to_string(::getpid()) + "\r\n\r\n" + body;
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    --requests_in_flight;
  }
  ::close(fd);
}

int listen_at(const Address& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, address.data(), address.size()) != 0 || ::listen(fd, 128) != 0) std::_Exit(70);
  return fd;
}

// As systemd's own library reads it: the descriptors are for the process that LISTEN_PID names.
std::vector<int> sockets() {
  std::vector<int> all;
  if (variable("LISTEN_PID") == std::to_string(::getpid())) {
    const int count = std::atoi(variable("LISTEN_FDS").c_str());
    for (int i = 0; i < count; ++i) all.push_back(3 + i);
  }
  if (!variable("PORT").empty())
    all.push_back(
        listen_at(Address::loopback(static_cast<std::uint16_t>(std::stoi(variable("PORT"))))));
  if (!variable("SOCKET").empty())
    all.push_back(listen_at(Address::parse("unix:" + variable("SOCKET")).value()));
  return all;
}

void notify(const std::string& text) {
  const Address address = Address::parse("unix:" + variable("NOTIFY_SOCKET")).value();
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ::sendto(fd, text.data(), text.size(), 0, address.data(), address.size());
  ::close(fd);
}

void serve(const std::vector<int>& listening) {
  std::vector<pollfd> entries;
  for (const int fd : listening) {
    entries.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    // Another worker may have taken what both were woken for: then this one must not wait for ever.
    const timeval patience{.tv_sec = 0, .tv_usec = 50'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  while (!asked_to_stop) {
    if (::poll(entries.data(), entries.size(), 50) <= 0) continue;
    for (const pollfd& entry : entries) {
      if ((entry.revents & POLLIN) == 0) continue;
      const int fd = ::accept(entry.fd, nullptr, nullptr);
      if (fd < 0) continue;
      const timeval for_ever{};  // inherited from the listening socket it would be the patience
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
      std::thread(converse, fd).detach();
    }
  }
  while (requests_in_flight != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::_Exit(0);
}

void chatter() {
  const std::string line(99, 'x');
  for (;;) {
    if (std::printf("%s\n", line.c_str()) < 0) return;
  }
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

int run(const std::string& script, const char* argument) {
  if (script == "exit") return std::atoi(argument);
  if (script == "silent") wait_for_ever();
  if (script == "elsewhere") {
    listen_at(Address::loopback(0));
    wait_for_ever();
  }
  if (script == "closes") {
    ::closefrom(0);
    wait_for_ever();
  }
  if (script == "parent" && ::fork() == 0) wait_for_ever();
  ::signal(SIGTERM, script == "deaf" ? SIG_IGN : [](int) { asked_to_stop = true; });
  const std::vector<int> listening = sockets();
  if (script == "notify") notify("STATUS=well\nREADY=1");
  if (script == "chatter") std::thread(chatter).detach();
  serve(listening);
  return 0;
}

}  // namespace
}  // namespace roundhouse

int main(int count, char** arguments) {
  return roundhouse::run(count > 1 ? arguments[1] : "serve", count > 2 ? arguments[2] : "");
}
