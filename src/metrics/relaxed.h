// How a snapshot reads shared memory that others write meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>

namespace roundhouse::metrics {

template <typename T>
T relaxed(const std::atomic<T>& value) {
  return value.load(std::memory_order_relaxed);
}

template <typename T, std::size_t N>
std::array<T, N> relaxed(const std::atomic<T> (&values)[N]) {
  std::array<T, N> copy;
  std::ranges::transform(values, copy.begin(), [](const auto& value) { return relaxed(value); });
  return copy;
}

// Text of shared memory: its end is not to be believed.
template <std::size_t N>
std::string bounded_text(const char (&text)[N]) {
  return {text, ::strnlen(text, N)};
}

}  // namespace roundhouse::metrics
