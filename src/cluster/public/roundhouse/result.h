// What the functions of the library return when something can go wrong.
#pragma once

#include <expected>
#include <string>

namespace roundhouse::cluster {

// A failure as a value; the library never throws.
struct Error {
  std::string message;  // for a person: "bind 0.0.0.0:8000: Address already in use"
  int number = 0;       // the errno behind it; 0: there is none
};

// A value, or why there is none.
template <typename T>
using Result = std::expected<T, Error>;

}  // namespace roundhouse::cluster
