#include "config/options.h"

#include <algorithm>

namespace roundhouse::config {

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::kRr:
      return "rr";
    case Policy::kNone:
      return "none";
    case Policy::kLeast:
      return "least";
    case Policy::kSticky:
      return "sticky";
  }
  return "unknown";
}

std::string_view to_string(PoolType type) {
  switch (type) {
    case PoolType::kHello:
      return "hello";
    case PoolType::kNative:
      return "native";
  }
  return "unknown";
}

std::string_view to_string(TestHandlers handlers) {
  switch (handlers) {
    case TestHandlers::kLocal:
      return "local";
    case TestHandlers::kOn:
      return "on";
    case TestHandlers::kOff:
      return "off";
  }
  return "unknown";
}

const Pool* Configuration::find_pool(std::string_view wanted) const {
  const auto found = std::ranges::find(pools, wanted, &Pool::name);
  return found == pools.end() ? nullptr : &*found;
}

}  // namespace roundhouse::config
