#include "config/provenance.h"

namespace roundhouse::config {

std::string joined(std::string_view path, std::string_view key) {
  std::string result(path);
  if (!path.empty() && !key.empty()) result += '.';
  return result += key;
}

std::string describe(const Source& source, const std::string& file) {
  const std::string more = source.name.empty() ? "" : ": " + source.name;
  switch (source.from) {
    case Source::From::kDefault:
      return "default" + more;
    case Source::From::kFile:
      return file + ":" + std::to_string(source.at.line) + more;
    case Source::From::kDerived:
    case Source::From::kEnvironment:
    case Source::From::kFlag:
      return source.name;
  }
  return "";
}

}  // namespace roundhouse::config
