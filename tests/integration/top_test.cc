// `roundhouse top` on a terminal of the test's.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "support/operated.h"

namespace roundhouse::test {
namespace {

class Terminal {
 public:
  Terminal(std::vector<std::string> command, const char* name) {
    winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    int ends[2] = {-1, -1};
    EXPECT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
    ours_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
    ::tcgetattr(theirs_.get(), &before_);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::login_tty(::dup(ends[1]));
      ::setenv("TERM", name, 1);
      std::vector<char*> words;
      for (std::string& word : command) words.push_back(word.data());
      words.push_back(nullptr);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void type(const std::string& keys) const {
    EXPECT_EQ(::write(ours_.get(), keys.data(), keys.size()), std::ssize(keys));
  }
  void resize(unsigned short columns) const {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(::ioctl(ours_.get(), TIOCSWINSZ, &size), 0);
  }
  void signal(int number) const { ::kill(pid_, number); }

  // All that was written to it.
  const std::string& written() {
    std::array<char, 65536> part;
    pollfd ready{ours_.get(), POLLIN, 0};
    while (::poll(&ready, 1, 10) > 0) {
      const ssize_t got = ::read(ours_.get(), part.data(), part.size());
      if (got <= 0) break;
      written_.append(part.data(), static_cast<std::size_t>(got));
    }
    return written_;
  }
  // The last screen that is there whole, without what is for the terminal.
  std::string screen() {
    const auto end = written().rfind("\x1b[J");
    if (end == written_.npos) return "";
    const std::string raw = written_.substr(written_.rfind("\x1b[H", end), end);
    std::string text;
    for (std::size_t i = 0; i < raw.size() && raw.compare(i, 3, "\x1b[J") != 0; ++i) {
      if (raw[i] == '\x1b')
        i = raw.find_first_of("HKmhlJ", i);
      else if (raw[i] != '\r')
        text += raw[i];
    }
    return text;
  }
  bool shows(const std::string& text) {
    return eventually([&] { return screen().contains(text); });
  }
  // How it ended.
  int wait() {
    int status = 0;
    EXPECT_TRUE(eventually([&] {
      written();
      return ::waitpid(pid_, &status, WNOHANG) == pid_;
    }));
    pid_ = 0;
    return status;
  }
  // Is the terminal as it was?
  bool restored() {
    termios now{};
    ::tcgetattr(theirs_.get(), &now);
    return now.c_lflag == before_.c_lflag && written().ends_with("\x1b[?25h\x1b[?1049l");
  }

 private:
  UniqueFd ours_;
  UniqueFd theirs_;
  termios before_{};
  pid_t pid_ = 0;
  std::string written_;
};

std::vector<std::string> top_of(const Instance& instance) {
  return {binary(), "top", "--socket", instance.control_socket()};
}

TEST(Top, ShowsTheWorkersSortsByKeysFollowsTheSizeAndGivesTheTerminalBack) {
  Instance instance("hello: {workers: 3}");
  // The second has ended once more than the others.
  ASSERT_EQ(operate(instance, {"restart", "hello/2"}).ended.code, 0);
  Terminal terminal(top_of(instance), "xterm");
  ASSERT_TRUE(terminal.shows("pool hello: 3 of 3 ready, rr")) << terminal.written();
  EXPECT_TRUE(terminal.shows(" requests/s, "));
  const auto first = [&] {
    const std::string screen = terminal.screen();
    return screen.substr(std::min(screen.find("\nhello/"), screen.size()), 8);
  };
  EXPECT_EQ(first(), "\nhello/1");
  terminal.type("t");
  EXPECT_TRUE(eventually([&] { return first() == "\nhello/2"; })) << terminal.screen();
  terminal.type("i");
  EXPECT_TRUE(eventually([&] { return first() == "\nhello/1"; }));
  EXPECT_TRUE(terminal.screen().contains("MEMORY"));
  terminal.resize(50);
  EXPECT_TRUE(eventually([&] { return !terminal.screen().contains("MEMORY"); }));
  terminal.type("q");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.restored());
}

TEST(Top, RestartsTheSelectedWorkerWhenThatIsConfirmed) {
  Instance instance("hello: {workers: 2}");
  const auto before = instance.worker_pids(2);
  Terminal terminal(top_of(instance), "xterm");
  ASSERT_TRUE(terminal.shows("hello/2"));
  terminal.type("\x1b[Br");
  EXPECT_TRUE(terminal.shows("restart hello/2? y/n"));
  terminal.type("y");
  EXPECT_TRUE(terminal.shows("restart applied: pool hello: 1 new worker")) << terminal.screen();
  const auto now = instance.worker_pids(2);
  EXPECT_EQ(now[0], before[0]);
  EXPECT_NE(now[1], before[1]);
}

TEST(Top, GivesTheTerminalBackWhateverEndsIt) {
  Instance instance("hello: {workers: 1}");
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGSEGV}) {
    Terminal terminal(top_of(instance), "xterm");
    ASSERT_TRUE(terminal.shows("hello/1"));
    terminal.signal(number);
    const int status = terminal.wait();
    if (number == SIGSEGV)
      EXPECT_TRUE(WIFSIGNALED(status)) << status;
    else
      EXPECT_EQ(status, 0);
    EXPECT_TRUE(terminal.restored()) << number;
  }
}

TEST(Top, SaysThatTheInstanceHasGoneAndGoesOnAsking) {
  Instance instance("hello: {workers: 1}");
  Terminal terminal(top_of(instance), "xterm");
  ASSERT_TRUE(terminal.shows("hello/1"));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(terminal.shows("NO ANSWER, asking again"));
  EXPECT_TRUE(terminal.shows("hello/1"));
  terminal.type("q");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(Top, NeedsATerminal) {
  const Finished piped = run({binary(), "top"});
  EXPECT_EQ(piped.ended.code, 64);
  EXPECT_EQ(piped.output,
            "top needs a terminal for input and output; `roundhouse status` does not\n");
  Terminal dumb({binary(), "top"}, "dumb");
  const int status = dumb.wait();
  EXPECT_EQ(WEXITSTATUS(status), 64);
  EXPECT_TRUE(dumb.written().contains("TERM is 'dumb'")) << dumb.written();
  const TemporaryDirectory folder;
  Terminal none({binary(), "top", "--socket", folder.path() + "/none.sock"}, "xterm");
  EXPECT_EQ(WEXITSTATUS(none.wait()), 1);
  EXPECT_TRUE(none.written().contains("no roundhouse answers on")) << none.written();
}

}  // namespace
}  // namespace roundhouse::test
