// Where lines go: a file, pipe, terminal or socket that several processes write to. Never waits
// for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/unique_fd.h"

namespace roundhouse::proxy {

// Lines of several writers do not mix: a file opened with O_APPEND takes any write as one (the
// kernel locks the inode), a pipe takes up to PIPE_BUF bytes as one, so it gets no more at once.
// Only where a file is full, or a terminal or socket takes a part, can a line be cut in two.
//
// A pipe or terminal that is not O_NONBLOCK is asked first (poll); another writer may then be
// faster, and the write waits for the reader. The edge opens it anew wherever it may, so that it
// is.
class LineSink {
 public:
  enum class Status : std::uint8_t { kAll, kBlocked, kFailed };
  struct Written {
    std::size_t bytes;
    Status status;
    int why;  // errno
  };

  explicit LineSink(UniqueFd fd);

  // Whole lines, or the rest of one and whole lines behind it; none is longer than kChunk.
  Written write(std::string_view lines);

  static constexpr std::size_t kChunk = 4096;  // PIPE_BUF of Linux

 private:
  enum class Kind : std::uint8_t { kFile, kStream, kSocket };

  std::string_view chunk_of(std::string_view lines) const;
  bool may_wait() const;

  UniqueFd fd_;
  Kind kind_ = Kind::kStream;
  bool waits_ = false;  // not O_NONBLOCK
};

}  // namespace roundhouse::proxy
