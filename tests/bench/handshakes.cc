// A load of TLS handshakes and of nothing else: connects, shakes hands, tells the end, waits for
// the server's, and begins anew.
//
//   bench_handshakes PORT CLIENTS SECONDS full|resumed
//
// resumed: every handshake of a client resumes the session of its first connection, which asks for
// "/" so that the server's tickets have come. What is spoken is for OPENSSL_CONF to say. Prints
//
//   handshakes 12345 resumed 12345 failed 0 seconds 3.001
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/bare/socket.h"

namespace {

using namespace roundhouse::bench;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kAsk = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<SSL_free>>;
using Session = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

struct Counts {
  std::uint64_t handshakes = 0;
  std::uint64_t resumed = 0;
  std::uint64_t failed = 0;
};

// One connection after the other; a thread has it.
class Client {
 public:
  Client(SSL_CTX* context, std::uint16_t port) : context_(context), port_(port) {}

  void get_session() {
    if (!open(nullptr)) die("the first handshake");
    SSL_write(connection_.get(), kAsk.data(), static_cast<int>(kAsk.size()));
    read_to_the_end();
    SSL_shutdown(connection_.get());  // or its session would not be good
    close();
    if (session_ == nullptr) die("no ticket came");
  }

  void run_until(Clock::time_point end) {
    const Session resumes = std::move(session_);
    while (Clock::now() < end) {
      if (open(resumes.get())) {
        ++counts_.handshakes;
        if (SSL_session_reused(connection_.get()) == 1) ++counts_.resumed;
        ::shutdown(SSL_get_fd(connection_.get()), SHUT_WR);
        drain();
      } else {
        ++counts_.failed;
      }
      close();
    }
  }

  const Counts& counts() const { return counts_; }
  void take(SSL_SESSION* session) { session_.reset(session); }

 private:
  bool open(SSL_SESSION* resumes) {
    const int fd = connect_to(port_);
    if (fd < 0) return false;
    ::fcntl(fd, F_SETFL, 0);  // threads may wait
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    connection_.reset(SSL_new(context_));
    SSL_set_fd(connection_.get(), fd);
    SSL_set_app_data(connection_.get(), this);
    if (resumes != nullptr) {
      const Session copy(SSL_SESSION_dup(resumes));
      SSL_set_session(connection_.get(), copy.get());
    }
    return SSL_connect(connection_.get()) == 1;
  }

  void read_to_the_end() {
    std::array<char, 4096> piece;
    while (SSL_read(connection_.get(), piece.data(), piece.size()) > 0) {
    }
  }

  // Tickets and the server's end, which nobody looks at.
  void drain() {
    std::array<char, 4096> piece;
    while (::recv(SSL_get_fd(connection_.get()), piece.data(), piece.size(), 0) > 0) {
    }
  }

  void close() {
    if (connection_ == nullptr) return;
    ::close(SSL_get_fd(connection_.get()));
    connection_.reset();
  }

  SSL_CTX* const context_;
  const std::uint16_t port_;
  Connection connection_;
  Session session_;
  Counts counts_;
};

Context make_context() {
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), [](SSL* connection, SSL_SESSION* session) {
    static_cast<Client*>(SSL_get_app_data(connection))->take(session);
    return 1;
  });
  return context;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 5 ? argv[4] : "";
  if (what != "full" && what != "resumed") {
    std::fputs("bench_handshakes PORT CLIENTS SECONDS full|resumed\n", stderr);
    return 64;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const Context context = make_context();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    clients.push_back(std::make_unique<Client>(context.get(), port_of(argv[1])));
    if (what == "resumed") clients.back()->get_session();
  }
  const auto begun = Clock::now();
  const auto end = begun + std::chrono::seconds(std::atoi(argv[3]));
  std::vector<std::jthread> threads;
  for (const auto& client : clients)
    threads.emplace_back([&client, end] { client->run_until(end); });
  threads.clear();
  const std::chrono::duration<double> took = Clock::now() - begun;
  Counts all;
  for (const auto& client : clients) {
    all.handshakes += client->counts().handshakes;
    all.resumed += client->counts().resumed;
    all.failed += client->counts().failed;
  }
  std::printf("handshakes %ju resumed %ju failed %ju seconds %.3f\n", all.handshakes, all.resumed,
              all.failed, took.count());
  return 0;
}
