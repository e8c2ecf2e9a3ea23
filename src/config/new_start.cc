#include "config/new_start.h"

#include "config/option_table.h"

namespace roundhouse::config {

std::vector<std::string_view> keys_for_a_new_start(const Configuration& before,
                                                   const Configuration& next) {
  std::vector<std::string_view> keys;
  for (const std::string_view key : kForANewStart) {
    const Option& option = *find_option(Section::kConfiguration, key);
    if (option.items_of(option, &before) != option.items_of(option, &next)) keys.push_back(key);
  }
  return keys;
}

}  // namespace roundhouse::config
