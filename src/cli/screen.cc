#include "cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace roundhouse::cli {
namespace {

// Another page without a cursor, and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::array kSignals = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT};
constexpr std::array kCrashes = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

// As the terminal was. Of the process: a handler of a crash needs it.
termios as_before;

// What does not fit goes when it can; what the terminal does not take is not worth dying for.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Only what is allowed in a signal handler.
void leave() {
  write_all(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &as_before);
}

void enter() {
  termios own = as_before;
  own.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  own.c_cc[VMIN] = 0;
  own.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &own);
  write_all(kEnter);
}

// The default is in force again by SA_RESETHAND.
void on_crash(int number) {
  leave();
  ::raise(number);
}

sigset_t set_of(const auto& numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

// Arrows come as ESC [ A or ESC O A.
std::string keys_of(std::string_view bytes) {
  std::string keys;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool sequence =
        bytes[i] == '\x1b' && i + 2 < bytes.size() && (bytes[i + 1] == '[' || bytes[i + 1] == 'O');
    if (!sequence) {
      if (bytes[i] >= ' ' && bytes[i] < 127) keys += bytes[i];
      continue;
    }
    i += 2;
    if (bytes[i] == 'A') keys += TopView::kUp;
    if (bytes[i] == 'B') keys += TopView::kDown;
    // Others are longer: their last byte is a letter or '~'.
    while (i < bytes.size() && bytes[i] < '@') ++i;
  }
  return keys;
}

}  // namespace

Result<void> Screen::check() {
  const char* const name = std::getenv("TERM");
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1)
    return fail("top needs a terminal for input and output; `roundhouse status` does not",
                ExitCode::kUsage);
  if (name == nullptr || *name == '\0' || std::string_view(name) == "dumb")
    return fail(
        "top needs a terminal that can move its cursor, and TERM " +
            (name == nullptr ? std::string("is not set") : "is '" + std::string(name) + "'") +
            "; `roundhouse status` does not",
        ExitCode::kUsage);
  return {};
}

Result<Screen> Screen::create() {
  if (::tcgetattr(STDIN_FILENO, &as_before) != 0) return fail_errno("terminal", errno);
  const sigset_t signals = set_of(kSignals);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd", errno);
  struct sigaction crash{};
  crash.sa_handler = on_crash;
  crash.sa_flags = SA_RESETHAND | SA_NODEFER;
  for (const int number : kCrashes) ::sigaction(number, &crash, nullptr);
  enter();
  return Screen(std::move(fd));
}

Screen::~Screen() {
  if (signals_) leave();
}

TopView::Size Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {.columns = size.ws_col, .lines = size.ws_row};
}

void Screen::show(const TopView::Frame& frame) const {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < frame.lines.size(); ++i) {
    const bool marked = frame.highlighted == i;
    if (i > 0) text += "\r\n";
    text += (marked ? "\x1b[7m" : "") + frame.lines[i] + (marked ? "\x1b[0m" : "") + "\x1b[K";
  }
  write_all(text + "\x1b[J");
}

void Screen::take_signal(Event& event) const {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGWINCH:
      case SIGCONT:
        event.changed = true;
        break;
      case SIGTSTP:
        leave();
        ::raise(SIGSTOP);
        enter();
        event.changed = true;
        break;
      default:
        event.ends = true;
        break;
    }
  }
}

Screen::Event Screen::wait(Time deadline) {
  std::array<pollfd, 2> ready{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  Event event;
  const int count = ::poll(ready.data(), ready.size(), static_cast<int>(std::max<long>(left, 0)));
  if (count <= 0) return event;
  if (ready[1].revents != 0) take_signal(event);
  if (ready[0].revents == 0) return event;
  std::array<char, 256> bytes;
  const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (got > 0) event.keys = keys_of({bytes.data(), static_cast<std::size_t>(got)});
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) event.ends = true;
  return event;
}

}  // namespace roundhouse::cli
