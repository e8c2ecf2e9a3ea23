#include "config/rows.h"

#include <algorithm>
#include <utility>

namespace roundhouse::config {
namespace {

// A worker that drains for its tunnels has up to three successors (DESIGN: old generations).
// Programs are replaced a few at a time, and what replaces one waits until it has gone.
constexpr std::uint32_t kSeats = 4;
constexpr std::uint32_t kSeatsOfPrograms = 2;
// So many more workers than at first there may be without a new start.
constexpr std::uint32_t kSpareIds = 8;
constexpr std::uint32_t kMaxIds = 1024;  // as many as `workers` may be
constexpr std::size_t kSpareBoardRows = 2048;

std::uint32_t seats_of(const Pool& pool) {
  return is_program(pool.type) && pool.type != PoolType::kNative ? kSeatsOfPrograms : kSeats;
}

std::uint32_t ids_of(const Pool& pool) {
  return std::min(std::max(2 * pool.workers, pool.workers + kSpareIds), kMaxIds);
}

// The row that the name has or gets: a new one, or if there is none that of a name which is not in
// use now.
std::size_t row_of(std::vector<std::string>& names, const std::string& name, std::size_t most,
                   const auto& in_use) {
  if (const auto known = std::ranges::find(names, name); known != names.end())
    return static_cast<std::size_t>(known - names.begin());
  if (names.size() < most) {
    names.push_back(name);
    return names.size() - 1;
  }
  const auto unused = std::ranges::find_if(names, [&](const auto& one) { return !in_use(one); });
  *unused = name;
  return static_cast<std::size_t>(unused - names.begin());
}

auto names_in(const auto& all) {
  return [&all](const std::string& name) {
    return std::ranges::any_of(all, [&](const auto& one) { return one.name == name; });
  };
}

// Each to the position that its name has.
template <typename Named>
void place(std::vector<Named>& all, std::vector<std::string>& names, std::size_t most) {
  std::vector<Named> placed;
  const auto in_use = names_in(all);
  for (Named& one : all) {
    const std::size_t row = row_of(names, one.name, most, in_use);
    if (placed.size() <= row) {
      Named vacant;
      vacant.name.clear();
      placed.resize(row + 1, vacant);
    }
    placed[row] = one;
  }
  all = std::move(placed);
}

}  // namespace

std::string lack_of_room(std::uint32_t workers, std::uint32_t seats, const PoolRows& rows) {
  if (workers <= rows.ids && seats <= rows.seats) return "";
  return "has room for " + std::to_string(rows.ids) +
         (workers > rows.ids ? " workers" : " workers of programs") +
         " since it was first started; more take a new start, or another name";
}

std::size_t Rows::board_rows(const Configuration& configuration) {
  std::size_t needed = 0;
  for (const config::Pool& pool : configuration.pools)
    needed += std::size_t{ids_of(pool)} * seats_of(pool);
  return 2 * needed + kSpareBoardRows;
}

Result<void> Rows::assign(Configuration& configuration) {
  std::erase_if(configuration.listeners, is_vacant<Listener>);
  std::erase_if(configuration.upstreams, is_vacant<Upstream>);
  place(configuration.listeners, listeners_, kMaxListeners);
  place(configuration.upstreams, upstreams_, kMaxUpstreams);
  const auto in_use = names_in(configuration.routes);
  for (Route& route : configuration.routes)
    route.row = 1 + static_cast<std::uint32_t>(row_of(routes_, route.name, kMaxRoutes, in_use));
  for (config::Pool& pool : configuration.pools) TRY_VOID(assign_pool(configuration, pool));
  for (Upstream& upstream : configuration.upstreams)
    TRY_VOID(assign_endpoints(configuration, upstream));
  return {};
}

Result<void> Rows::assign_pool(Configuration& /*configuration*/, config::Pool& pool) {
  if (const auto known = pools_.find(pool.name); known != pools_.end()) {
    pool.rows = known->second.rows;
    const std::string why = lack_of_room(pool.workers, seats_of(pool), pool.rows);
    if (why.empty()) return {};
    return fail("pool " + pool.name + " " + why, ExitCode::kConfiguration);
  }
  PoolRows rows{.first = 0, .ids = ids_of(pool), .seats = seats_of(pool)};
  const std::size_t first = find_board_rows(rows.count());
  if (first == board_.size())
    return fail("there is no room for pool " + pool.name +
                    " until those that were removed have "
                    "drained; a new start has room",
                ExitCode::kConfiguration);
  rows.first = static_cast<std::uint32_t>(first);
  std::fill_n(board_.begin() + rows.first, rows.count(), true);
  pool.rows = pools_[pool.name].rows = rows;
  return {};
}

std::size_t Rows::find_board_rows(std::size_t count) const {
  const std::vector<bool> wanted(count, false);
  return static_cast<std::size_t>(std::ranges::search(board_, wanted).begin() - board_.begin());
}

// From the end, since servers and what is found by name begin at the first.
Result<void> Rows::assign_endpoints(Configuration& configuration, Upstream& upstream) {
  const config::Pool* const pool = configuration.find_pool(upstream.pool);
  if (pool == nullptr) return {};
  auto& endpoints = pools_[pool->name].endpoints;
  if (const auto known = endpoints.find(upstream.name); known != endpoints.end()) {
    upstream.first_endpoint = known->second;
    return {};
  }
  const std::vector<bool> wanted(pool->rows.count(), false);
  const auto found = std::ranges::find_end(endpoints_, wanted);
  if (found.empty())
    return fail("upstream " + upstream.name +
                    ": there are no endpoints left for the workers of "
                    "pool " +
                    pool->name,
                ExitCode::kConfiguration);
  std::fill(found.begin(), found.end(), true);
  upstream.first_endpoint = static_cast<std::uint32_t>(found.begin() - endpoints_.begin());
  endpoints[upstream.name] = upstream.first_endpoint;
  return {};
}

void Rows::release_pool(const std::string& name) {
  const auto known = pools_.find(name);
  if (known == pools_.end()) return;
  const auto& [rows, endpoints] = known->second;
  std::fill_n(board_.begin() + rows.first, rows.count(), false);
  for (const auto& [upstream, first] : endpoints)
    std::fill_n(endpoints_.begin() + first, rows.count(), false);
  pools_.erase(known);
}

Result<void> assign_rows(Configuration& configuration) {
  return Rows(Rows::board_rows(configuration)).assign(configuration);
}

}  // namespace roundhouse::config
