// Our own stdout or stderr, written to without ever waiting for whoever reads it.
//
// It is shared with whoever gave it to us, so it is not made non-blocking; a pipe or a terminal is
// opened anew instead, where we may. Where not, poll() is asked first, which for a pipe with other
// writers is a promise that can be broken.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"

namespace roundhouse {

// A description of its own, O_NONBLOCK, of the pipe or terminal behind `number`. None: it is
// something else (a file keeps its offset, which others move too; a socket cannot be opened), or we
// may not.
UniqueFd reopen_standard(int number);

class StandardStream {
 public:
  explicit StandardStream(int number) : number_(number), own_(reopen_standard(number)) {}

  int fd() const { return own_ ? own_.get() : number_; }
  // How many bytes were taken, 0: there is no room now. Nothing: nobody reads it any more.
  std::optional<std::size_t> write(std::string_view bytes) const;

 private:
  int number_;
  UniqueFd own_;
};

}  // namespace roundhouse
