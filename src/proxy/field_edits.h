// What a route does to the fields of a message on its way.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/proxy_options.h"
#include "config/text_template.h"
#include "http/http1_writer.h"
#include "proxy/request_facts.h"

namespace roundhouse::proxy {

class FieldEdits {
 public:
  // `config` is checked.
  explicit FieldEdits(const config::FieldEdits& config);

  bool empty() const { return writes_.empty() && drops_.empty(); }
  // A field of that name does not go on: it is removed, or replaced.
  bool drops(std::string_view name) const;
  // Those that are set or added. A value that is empty once it is filled in is left out.
  void write(const RequestFacts& facts, http::HeadWriter& head) const;

 private:
  struct Written {
    std::string name;
    config::TextTemplate value;
  };

  std::vector<Written> writes_;
  std::vector<std::string> drops_;
};

}  // namespace roundhouse::proxy
