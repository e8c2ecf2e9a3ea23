// Descriptors that a worker could do without: pipes, and idle connections to endpoints.
//
// They give way to the connections of clients, and to those that these need to endpoints: the most
// that there may be is set again with each connection that comes or goes. Whoever holds more than
// that by then closes what it can. Single-threaded; counts nothing else.
#pragma once

#include <cstdint>

namespace roundhouse {

class DescriptorAllowance {
 public:
  // Until it is said: any number.
  void set_most(std::uint32_t most) { most_ = most; }

  bool allows(std::uint32_t more) const { return taken_ + more <= most_; }
  bool exceeded() const { return taken_ > most_; }
  void take(std::uint32_t count) { taken_ += count; }
  void give_back(std::uint32_t count) { taken_ -= count; }
  std::uint32_t taken() const { return taken_; }

 private:
  std::uint32_t most_ = 1U << 30;
  std::uint32_t taken_ = 0;
};

}  // namespace roundhouse
