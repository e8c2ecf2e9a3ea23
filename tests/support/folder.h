// A folder of a test's own, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace roundhouse::testing_support {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "roundhouse-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  // Makes the folders on the way.
  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path whole = path_ + "/" + file;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }

 private:
  std::string path_;
};

}  // namespace roundhouse::testing_support
