#include "base/file.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace roundhouse {

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno("reading " + path, errno);
  std::string content;
  std::array<char, 16384> buffer;
  while (content.size() <= most) {
    const ssize_t count =
        ::read(fd.get(), buffer.data(), std::min(buffer.size(), most + 1 - content.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading " + path, errno);
    if (count == 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return content;
}

}  // namespace roundhouse
