// A configuration file: whatever is in it, it is refused or loaded; what is loaded goes through the
// effective text unchanged, and so it does through explain where nothing of it is masked.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/effective.h"
#include "config/explain.h"
#include "config/loader.h"

namespace roundhouse::config {
namespace {

Surroundings surroundings() {
  Surroundings result;
  result.variable = [](const std::string& name) {
    return name == "A" ? std::optional<std::string>("8000") : std::nullopt;
  };
  return result;
}

bool is_masked(const Loaded& loaded) {
  for (const auto& [key, source] : loaded.provenance) {
    if (source.secret) return true;
  }
  return false;
}

void try_text(std::string_view text) {
  (void)from_effective_text(text);
  const auto loaded = load_text(text, "", {}, surroundings());
  if (!loaded) {
    CHECK(!loaded.error().message.empty());
    return;
  }
  const std::string effective = to_effective_text(loaded->configuration);
  const auto again = from_effective_text(effective);
  CHECK(again && to_effective_text(*again) == effective);
  const std::string explained = explain(*loaded);
  if (is_masked(*loaded)) return;
  const auto reloaded = load_text(explained, "", {}, surroundings());
  CHECK(reloaded && to_effective_text(reloaded->configuration) == effective);
}

}  // namespace
}  // namespace roundhouse::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  roundhouse::config::try_text({reinterpret_cast<const char*>(data), size});
  return 0;
}
