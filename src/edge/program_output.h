// What one worker's program prints: two pipes, read as fast as it writes so that it never waits.
//
// Each line goes to our own stdout or stderr and into the ring on the output board; the end of
// stderr is kept for the record of the process's end. One turn reads a bounded amount of each pipe.
#pragma once

#include <unistd.h>

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "config/options.h"
#include "edge/output_sink.h"
#include "ipc/board.h"
#include "ipc/output_board.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

// Of one edge; outlives the outputs.
struct OutputPlaces {
  OutputPlaces(EventLoop& loop, ipc::OutputBoard lines)
      : out(loop, STDOUT_FILENO), err(loop, STDERR_FILENO), board(std::move(lines)) {}
  OutputSink out;
  OutputSink err;
  ipc::OutputBoard board;
  std::uint64_t sequence = 0;  // of the last line
};

class ProgramOutput {
 public:
  static constexpr std::size_t kLastLines = 50;  // of stderr

  struct Setting {
    std::size_t row;     // on both boards
    std::string prefix;  // before each line; empty: none
    ipc::WorkerRow& counts;
  };

  ProgramOutput(EventLoop& loop, OutputPlaces& places, Setting setting);

  // Before a start: the ends that become the program's stdout and stderr.
  Result<void> open();
  int out() const { return streams_[0].theirs.get(); }
  int err() const { return streams_[1].theirs.get(); }
  // It runs, and has them.
  void started();
  // It is dead: what is still in the pipes is read, and they are closed. Afterwards last_words()
  // are those of that process.
  void ended();
  // The last lines of stderr, at most ipc::kLastWords bytes; whole lines with their ends.
  std::string last_words() const;

 private:
  struct Stream final : IoHandler {
    void on_ready(Ready ready) override;
    ProgramOutput* output = nullptr;
    ipc::OutputStream kind{};
    UniqueFd ours;
    UniqueFd theirs;
    IoWatcher watcher;
    std::string begun;  // a line whose end has not come
  };

  bool read(Stream& stream);
  void take(Stream& stream, std::string_view bytes);
  // Adds it to what is printed at the end of this reading.
  void add(Stream& stream, std::string_view line);
  void print(Stream& stream);

  EventLoop& loop_;
  OutputPlaces& places_;
  Setting setting_;
  std::array<Stream, 2> streams_;
  std::string lines_;  // of this reading
  std::uint64_t count_ = 0;
  double now_ = 0;
  std::deque<std::string> last_;  // lines of stderr
  std::size_t last_bytes_ = 0;
};

}  // namespace roundhouse::edge
