// The dashboard: one page with everything that it needs in it. Made by the build from the files in
// monitor/dashboard.
#pragma once

#include <string_view>

namespace roundhouse::monitor {

extern const std::string_view kDashboardPage;
// Its Content-Security-Policy: no style or script but those in it, and requests to us alone.
extern const std::string_view kDashboardPolicy;

}  // namespace roundhouse::monitor
