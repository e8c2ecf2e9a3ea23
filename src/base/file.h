// Whole files, small ones.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace roundhouse {

// What is in `path`, at most `most` + 1 bytes of it: a longer result than `most` says that the file
// is longer. Error: "reading PATH: No such file or directory".
Result<std::string> read_file(const std::string& path, std::size_t most);

}  // namespace roundhouse
