// What programs have printed of late: shared memory that the edge writes and the monitor only
// reads.
//
// A ring of lines for each worker place, by its row on the board, and what the last processes that
// ended there had written to stderr. Memory that was never written costs nothing. The edge writes
// without waiting for anybody: a reader that was overtaken sees that by `begin` and drops what may
// be torn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/board.h"
#include "ipc/shared_memory.h"

namespace roundhouse::ipc {

inline constexpr std::size_t kOutputRing = 64 * 1024;  // bytes of one place
inline constexpr std::size_t kLastWords = 8 * 1024;    // of stderr of one process
inline constexpr std::size_t kOutputLine = 4 * 1024;   // of one line; the rest is left out

enum class OutputStream : std::uint32_t { kOut, kErr };

// Before the text of each line in a ring; both together take a multiple of 8 bytes.
struct OutputRecord {
  std::uint64_t sequence;  // over all places, from 1
  double at;               // Unix time
  std::uint32_t size;
  OutputStream stream;
};

struct OutputRow {
  Counter begin{0};  // where the oldest line begins, counted in bytes ever written
  Counter end{0};    // where the next will begin
  char ring[kOutputRing]{};
  struct LastWords {
    std::int32_t pid = 0;  // whose
    std::uint32_t size = 0;
    char text[kLastWords]{};
  } last_words[kKeptExits]{};
};

struct OutputLine {
  std::uint64_t sequence = 0;
  double at = 0;
  OutputStream stream{};
  std::string text;
};

class OutputBoard {
 public:
  OutputBoard() = default;  // no board
  static Result<OutputBoard> create(std::size_t rows);
  static Result<OutputBoard> open(UniqueFd fd, std::size_t rows);

  explicit operator bool() const { return mapping_.address() != nullptr; }
  int fd() const { return fd_.get(); }

  // By the edge. `text`: without the end of its line.
  void append(std::size_t row, const OutputRecord& record, std::string_view text) const;
  void keep_last_words(std::size_t row, std::size_t exit, std::int32_t pid,
                       std::string_view text) const;

  // The lines after this sequence that are still there, the oldest first.
  std::vector<OutputLine> lines(std::size_t row, std::uint64_t after) const;
  // Of that process; empty if they are no longer there.
  std::string last_words(std::size_t row, std::int32_t pid) const;

 private:
  OutputRow& row(std::size_t index) const {
    return static_cast<OutputRow*>(mapping_.address())[index];
  }

  UniqueFd fd_;
  Mapping mapping_;
  std::size_t rows_ = 0;
};

}  // namespace roundhouse::ipc
