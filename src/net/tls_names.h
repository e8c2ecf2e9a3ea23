// Which certificate is for which name (RFC 6125 6.4): the exact one, else a wildcard of one label.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace roundhouse {

template <typename Value>
class TlsNames {
 public:
  // `name` in lower case; "*.example.com" is every name with one label more.
  Value& operator[](std::string_view name) { return values_[std::string(name)]; }
  // The name as a client says it. nullptr: none.
  const Value* find(std::string_view asked) const {
    std::string name(asked);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (name.ends_with('.')) name.pop_back();
    if (name.starts_with('*')) return nullptr;
    if (const auto exact = values_.find(name); exact != values_.end()) return &exact->second;
    const auto dot = name.find('.');
    if (dot == name.npos || dot == 0) return nullptr;
    const auto wildcard = values_.find("*" + name.substr(dot));
    return wildcard == values_.end() ? nullptr : &wildcard->second;
  }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace roundhouse
