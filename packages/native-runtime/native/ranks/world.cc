#include "world.h"
#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ranks {
namespace {
/// Floats that go over the wire at a time: larger ones leave the processor's cache.
constexpr int64_t PIECE = 1 << 20;
/// Tensors of so many floats are not copied together with others.
constexpr int64_t LARGE = 1 << 16;
/// The most bytes of one message: MPI counts in ints.
constexpr int64_t MESSAGE = 1 << 30;
/// Seconds that a rank has for saying where it is.
constexpr double ANSWER_LIMIT = 5;
enum Tag { QUESTION = 1, ANSWER = 2, BYTES = 3, LEAVE = 4 };

/// Whether a number is infinite or NaN: all bits of the exponent are set. In integers, which compilers vectorize.
inline uint32_t isNotFiniteNumber(float number) {
  constexpr uint32_t EXPONENT = 0x7f800000;
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return (bits & EXPONENT) == EXPONENT;
}

bool hasNotFinite(const float* from, int64_t count) {
  uint32_t found = 0;
  for (int64_t i = 0; i < count; i++) found |= isNotFiniteNumber(from[i]);
  return found != 0;
}

void pause(double waited) {
  // Whoever is only a little late is met at once; from then on the core is left to others.
  if (waited < 0.005) sched_yield();
  else usleep(waited < 1 ? 100 : 1000);
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f s" : "%.0f s", value);
  return text;
}

const char* nameOf(int64_t kind) {
  static const char* names[] = {"nothing", "barrier", "broadcast", "gather", "all-reduce (sum)", "all-reduce (max)", "all-reduce (min)"};
  return names[kind];
}

/// What each rank says before an operation of the host.
struct Header {
  int64_t kind, root, length, isStepBroken;
  char what[104];
};
}  // namespace

World& World::instance() {
  static World& world = *new World;
  return world;
}

Problem World::join() {
  int provided = 0, isUp = 0;
  MPI_Initialized(&isUp);
  if (isUp) return {"HKL_MPI_FAILED", "MPI has been initialized in this process already"};
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS) return {"HKL_MPI_FAILED", "MPI_Init failed"};
  if (provided < MPI_THREAD_SERIALIZED) return {"HKL_MPI_FAILED", "this MPI allows calls by one thread alone"};
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (MPI_Comm* comm : {&step_, &host_, &control_}) {
    MPI_Comm_dup(MPI_COMM_WORLD, comm);
    MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN);
  }
  MPI_Comm machine;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
  MPI_Comm_rank(machine, &localRank);
  MPI_Comm_size(machine, &localSize);
  MPI_Comm_free(&machine);
  constexpr int WIDTH = 64;
  char own[MPI_MAX_PROCESSOR_NAME + WIDTH] = {};
  int length = 0;
  MPI_Get_processor_name(own, &length);
  own[WIDTH - 1] = 0;
  std::vector<char> all(static_cast<size_t>(size) * WIDTH);
  MPI_Allgather(own, WIDTH, MPI_CHAR, all.data(), WIDTH, MPI_CHAR, MPI_COMM_WORLD);
  for (int r = 0; r < size; r++) machines_.push_back(&all[static_cast<size_t>(r) * WIDTH]);
  left_.assign(size, Leave{{INT64_MAX, 0}});
  joined_ = true;
  return {};
}

Problem World::fault() {
  std::lock_guard<std::mutex> lock(state_);
  return fault_ ? fault_ : stepFault_;
}

Problem World::fail(const std::string& code, const std::string& text) {
  std::lock_guard<std::mutex> lock(state_);
  if (!fault_) fault_ = {code, text};
  isBroken_ = true;
  return fault_;
}

Problem World::failed(int status) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  return fail("HKL_MPI_FAILED", std::string("MPI says: ") + text);
}

Problem World::begin(Lane lane, const std::string& what) {
  if (isBroken_) return fault();
  std::lock_guard<std::mutex> lock(state_);
  Place& place = places_[lane];
  place.isWaiting = 1;
  place.sequence++;
  std::snprintf(place.what, sizeof place.what, "%s", what.c_str());
  return {};
}

void World::end(Lane lane) {
  std::lock_guard<std::mutex> lock(state_);
  places_[lane].isWaiting = 0;
}

Place World::placeOf(Lane lane) {
  std::lock_guard<std::mutex> lock(state_);
  return places_[lane];
}

Problem World::start(const std::function<int()>& call) {
  std::lock_guard<std::mutex> lock(mpi_);
  const int status = call();
  return status == MPI_SUCCESS ? Problem{} : failed(status);
}

Problem World::wait(MPI_Request& request, Lane lane) {
  std::vector<MPI_Request> requests{request};
  return wait(requests, lane, limit);
}

Problem World::wait(std::vector<MPI_Request>& requests, Lane lane, double limit) {
  const double begun = MPI_Wtime();
  double answered = begun;
  for (;;) {
    int isDone = 0, status;
    {
      std::lock_guard<std::mutex> lock(mpi_);
      status = MPI_Testall(static_cast<int>(requests.size()), requests.data(), &isDone, MPI_STATUSES_IGNORE);
    }
    if (status != MPI_SUCCESS) return failed(status);
    if (isDone) return {};
    const double now = MPI_Wtime(), waited = now - begun;
    if (isBroken_) return fault();
    if (limit > 0 && waited > limit) return fail("HKL_RANK_SILENT", whoIsMissing(lane, waited));
    if (lane == HOST && now - answered > 0.05) {
      answer();
      answered = now;
    }
    if (lane == STEP && waited > 0.005) {
      if (const int missing = absent(); missing >= 0) {
        isStepBroken_ = true;
        // MPI may still read and write it.
        static auto& kept = *new std::vector<std::vector<float>>;
        kept.push_back(std::move(pack_));
        pack_ = {};
        return without(missing);
      }
    }
    pause(waited);
  }
}

Problem World::reduce(const std::vector<const float*>& in, const std::vector<float*>& out, const std::vector<int64_t>& counts,
                      float scale, const char* what) {
  const double begun = MPI_Wtime();
  if (Problem problem = begin(STEP, what)) return problem;
  // Whoever has left may have done so long before: nothing is begun then that could not be ended.
  if (const int missing = absent(); missing >= 0) return without(missing);
  bool isOwnNotFinite = false, isNotFinite = false;
  const auto sum = [&](const float* from, float* to, int64_t count) -> Problem {
    MPI_Request request;
    // Before, since it may be overwritten; what is read here, MPI finds in the processor's cache.
    isOwnNotFinite |= hasNotFinite(from, count);
    const void* source = from == to ? MPI_IN_PLACE : from;
    if (Problem problem = start([&] {
          return MPI_Iallreduce(source, to, static_cast<int>(count), MPI_FLOAT, MPI_SUM, step_, &request);
        }))
      return problem;
    return wait(request, STEP);
  };
  const auto times = [&](float* to, const float* from, int64_t count) {
    uint32_t found = 0;
    for (int64_t i = 0; i < count; i++) {
      found |= isNotFiniteNumber(from[i]);
      to[i] = from[i] * scale;
    }
    isNotFinite |= found != 0;
  };
  /// Tensors that wait to go together, and their floats.
  std::vector<size_t> small;
  int64_t packed = 0;
  const auto flush = [&]() -> Problem {
    if (packed == 0) return {};
    if (static_cast<int64_t>(pack_.size()) < packed) pack_.resize(packed);
    int64_t at = 0;
    for (size_t i : small) {
      std::memcpy(&pack_[at], in[i], counts[i] * sizeof(float));
      at += counts[i];
    }
    if (Problem problem = sum(pack_.data(), pack_.data(), packed)) return problem;
    at = 0;
    for (size_t i : small) {
      times(out[i], &pack_[at], counts[i]);
      at += counts[i];
    }
    small.clear();
    packed = 0;
    return {};
  };
  for (size_t i = 0; i < in.size(); i++) {
    if (counts[i] < LARGE) {
      if (packed + counts[i] > PIECE)
        if (Problem problem = flush()) return problem;
      small.push_back(i);
      packed += counts[i];
      continue;
    }
    for (int64_t at = 0; at < counts[i]; at += PIECE) {
      const int64_t count = std::min(PIECE, counts[i] - at);
      if (Problem problem = sum(in[i] + at, out[i] + at, count)) return problem;
      times(out[i] + at, out[i] + at, count);
    }
  }
  if (Problem problem = flush()) return problem;
  // The result is the same on all ranks, so that all of them are here.
  if (isNotFinite)
    if (Problem problem = findNotFinite(isOwnNotFinite)) return problem;
  end(STEP);
  spent += MPI_Wtime() - begun;
  calls++;
  return {};
}

Problem World::findNotFinite(bool isOwn) {
  // What the first all-reduce has spread, all ranks bring to the next ones.
  if (!notFinite().empty()) return {};
  const char own = isOwn;
  std::vector<char> all(size);
  MPI_Request request;
  if (Problem problem = start([&] { return MPI_Iallgather(&own, 1, MPI_CHAR, all.data(), 1, MPI_CHAR, step_, &request); }))
    return problem;
  if (Problem problem = wait(request, STEP)) return problem;
  std::lock_guard<std::mutex> lock(state_);
  // Between two steps there is an operation of the host.
  notFiniteAt_ = places_[HOST].sequence;
  notFinite_.clear();
  for (int r = 0; r < size; r++)
    if (all[r]) notFinite_.push_back(r);
  return {};
}

std::vector<int> World::notFinite() {
  std::lock_guard<std::mutex> lock(state_);
  return notFiniteAt_ == places_[HOST].sequence ? notFinite_ : std::vector<int>{};
}

void World::leaveStep() {
  if (isBroken_) return;
  // Kept for good: it is sent some time, and a rank fails seldom.
  auto* leave = new Leave{};
  for (int lane = 0; lane < LANES; lane++) leave->sequence[lane] = placeOf(static_cast<Lane>(lane)).sequence;
  std::lock_guard<std::mutex> lock(mpi_);
  for (int r = 0; r < size; r++) {
    MPI_Request request;
    if (r == rank) continue;
    MPI_Isend(leave, sizeof *leave, MPI_BYTE, r, LEAVE, control_, &request);
    MPI_Request_free(&request);
  }
}

void World::hear() {
  int isThere = 0;
  MPI_Status status;
  while (MPI_Iprobe(MPI_ANY_SOURCE, LEAVE, control_, &isThere, &status) == MPI_SUCCESS && isThere)
    MPI_Recv(&left_[status.MPI_SOURCE], sizeof(Leave), MPI_BYTE, status.MPI_SOURCE, LEAVE, control_, MPI_STATUS_IGNORE);
}

int World::absent() {
  std::lock_guard<std::mutex> lock(mpi_);
  hear();
  std::lock_guard<std::mutex> state(state_);
  // An operation of the host that has come since then was one of all ranks: whatever had been told before is over.
  for (int r = 0; r < size; r++)
    if (places_[STEP].sequence > left_[r].sequence[STEP] && places_[HOST].sequence <= left_[r].sequence[HOST]) return r;
  return -1;
}

Problem World::without(int r) {
  end(STEP);
  std::lock_guard<std::mutex> lock(state_);
  return stepFault_ = {"HKL_RANK_FAILED", name(r) + " has failed within this step or before it"};
}

Problem World::renewStep() {
  MPI_Comm fresh;
  MPI_Request request;
  if (Problem problem = start([&] { return MPI_Comm_idup(host_, &fresh, &request); })) return problem;
  if (Problem problem = wait(request, HOST)) return problem;
  std::lock_guard<std::mutex> lock(state_);
  // The one before still has what was given up, and is never freed.
  step_ = fresh;
  isStepBroken_ = false;
  places_[STEP].sequence = 0;
  return {};
}

Problem World::headers(HostOperation& operation, std::vector<int64_t>& lengths) {
  Header own{};
  own.kind = operation.kind;
  own.root = operation.root;
  own.length = static_cast<int64_t>(operation.bytes.size());
  own.isStepBroken = isStepBroken_;
  std::snprintf(own.what, sizeof own.what, "%s", operation.what.c_str());
  std::vector<Header> all(size);
  MPI_Request request;
  if (Problem problem = start([&] {
        return MPI_Iallgather(&own, sizeof own, MPI_BYTE, all.data(), sizeof own, MPI_BYTE, host_, &request);
      }))
    return problem;
  if (Problem problem = wait(request, HOST)) return problem;
  if (std::any_of(all.begin(), all.end(), [](const Header& each) { return each.isStepBroken != 0; }))
    if (Problem problem = renewStep()) return problem;
  const auto describe = [&](int r) {
    const Header& each = all[r];
    std::string text = name(r) + " calls " + nameOf(each.kind);
    if (each.what[0] != 0) text += std::string(" (") + each.what + ")";
    if (each.kind == BROADCAST || each.kind == GATHER) text += " with root " + std::to_string(each.root);
    if (each.kind >= SUM) text += " of " + std::to_string(each.length / 8) + " numbers";
    return text;
  };
  for (int r = 1; r < size; r++) {
    const Header &first = all[0], &other = all[r];
    const bool isSame = first.kind == other.kind && first.root == other.root && std::strcmp(first.what, other.what) == 0 &&
                        (first.kind < SUM || first.length == other.length);
    if (!isSame) return {"HKL_RANKS_DISAGREE", describe(0) + ", " + describe(r)};
  }
  for (const Header& each : all) lengths.push_back(each.length);
  return {};
}

void World::run(HostOperation& operation) {
  const std::string what = std::string(nameOf(operation.kind)) + (operation.what.empty() ? "" : ": " + operation.what);
  Problem& problem = operation.problem;
  if ((problem = begin(HOST, what))) return;
  std::vector<int64_t> lengths;
  std::vector<MPI_Request> requests;
  /// Begins a call for each message's worth of bytes.
  const auto inParts = [&](std::vector<uint8_t>& bytes, const std::function<int(uint8_t*, int, MPI_Request*)>& call) {
    for (int64_t at = 0; at < static_cast<int64_t>(bytes.size()) && !problem; at += MESSAGE) {
      const int count = static_cast<int>(std::min<int64_t>(MESSAGE, bytes.size() - at));
      MPI_Request request;
      problem = start([&] { return call(bytes.data() + at, count, &request); });
      requests.push_back(request);
    }
  };
  problem = headers(operation, lengths);
  if (!problem && operation.kind == BROADCAST) {
    operation.bytes.resize(lengths[operation.root]);
    inParts(operation.bytes, [&](uint8_t* at, int count, MPI_Request* request) {
      return MPI_Ibcast(at, count, MPI_BYTE, operation.root, host_, request);
    });
  }
  if (!problem && operation.kind == GATHER && rank == operation.root) {
    operation.result.resize(size);
    for (int r = 0; r < size && !problem; r++) {
      operation.result[r].resize(lengths[r]);
      if (r == rank) operation.result[r] = operation.bytes;
      else
        inParts(operation.result[r], [&](uint8_t* at, int count, MPI_Request* request) {
          return MPI_Irecv(at, count, MPI_BYTE, r, BYTES, host_, request);
        });
    }
  } else if (!problem && operation.kind == GATHER) {
    inParts(operation.bytes, [&](uint8_t* at, int count, MPI_Request* request) {
      return MPI_Isend(at, count, MPI_BYTE, operation.root, BYTES, host_, request);
    });
  }
  if (!problem && operation.kind >= SUM) {
    const MPI_Op op = operation.kind == SUM ? MPI_SUM : operation.kind == MAX ? MPI_MAX : MPI_MIN;
    inParts(operation.bytes, [&](uint8_t* at, int count, MPI_Request* request) {
      return MPI_Iallreduce(MPI_IN_PLACE, at, count / 8, MPI_DOUBLE, op, host_, request);
    });
  }
  if (!problem && !requests.empty()) problem = wait(requests, HOST, limit);
  if (problem) {
    // What MPI still writes into must stay where it is.
    if (isBroken_) {
      static auto& kept = *new std::vector<std::vector<uint8_t>>;
      kept.push_back(std::move(operation.bytes));
      for (auto& each : operation.result) kept.push_back(std::move(each));
    }
    operation.result.clear();
  } else if (operation.kind == BROADCAST || operation.kind >= SUM) {
    operation.result.push_back(std::move(operation.bytes));
  }
  if (!isBroken_) end(HOST);
}

void World::answer() {
  std::lock_guard<std::mutex> lock(mpi_);
  if (isClosed_) return;
  replies_.erase(std::remove_if(replies_.begin(), replies_.end(),
                                [](Reply* reply) {
                                  int isSent = 0;
                                  MPI_Test(&reply->request, &isSent, MPI_STATUS_IGNORE);
                                  if (isSent) delete reply;
                                  return isSent != 0;
                                }),
                 replies_.end());
  hear();
  for (;;) {
    int isThere = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, QUESTION, control_, &isThere, &status) != MPI_SUCCESS || !isThere) return;
    MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, QUESTION, control_, MPI_STATUS_IGNORE);
    auto* reply = new Reply{};
    for (int lane = 0; lane < LANES; lane++) reply->answer.places[lane] = placeOf(static_cast<Lane>(lane));
    reply->answer.isEnding = isEnding_;
    MPI_Isend(&reply->answer, sizeof(Answer), MPI_BYTE, status.MPI_SOURCE, ANSWER, control_, &reply->request);
    replies_.push_back(reply);
  }
}

std::string World::whoIsMissing(Lane lane, double waited) {
  // Only one thread asks at a time, since answers do not say whose question they are for.
  while (!asking_.try_lock()) {
    if (isBroken_) return "";
    if (lane == HOST) answer();
    usleep(2000);
  }
  std::lock_guard<std::mutex> asking(asking_, std::adopt_lock);
  const Place own = placeOf(lane);
  std::vector<Answer> answers(size);
  std::vector<bool> isThere(size, false);
  isThere[rank] = true;
  {
    std::lock_guard<std::mutex> lock(mpi_);
    for (int r = 0; r < size; r++) {
      MPI_Request request;
      if (r == rank) continue;
      MPI_Isend(nullptr, 0, MPI_BYTE, r, QUESTION, control_, &request);
      MPI_Request_free(&request);
    }
  }
  for (const double until = MPI_Wtime() + ANSWER_LIMIT; MPI_Wtime() < until;) {
    if (lane == HOST) answer();
    {
      std::lock_guard<std::mutex> lock(mpi_);
      int has = 0;
      MPI_Status status;
      while (MPI_Iprobe(MPI_ANY_SOURCE, ANSWER, control_, &has, &status) == MPI_SUCCESS && has) {
        MPI_Recv(&answers[status.MPI_SOURCE], sizeof(Answer), MPI_BYTE, status.MPI_SOURCE, ANSWER, control_, MPI_STATUS_IGNORE);
        isThere[status.MPI_SOURCE] = true;
      }
    }
    if (std::all_of(isThere.begin(), isThere.end(), [](bool each) { return each; })) break;
    usleep(2000);
  }
  std::string missing;
  int named = 0, count = 0;
  for (int r = 0; r < size; r++) {
    if (r == rank) continue;
    const Place &same = answers[r].places[lane], &other = answers[r].places[lane == STEP ? HOST : STEP];
    std::string where;
    if (!isThere[r]) where = "does not answer";
    else if (same.isWaiting && same.sequence == own.sequence && std::strcmp(same.what, own.what) == 0) continue;
    else if (answers[r].isEnding) where = "has ended its work";
    else if (same.isWaiting) where = std::string("waits in another operation (") + same.what + ")";
    else if (other.isWaiting) where = std::string("waits in another operation (") + other.what + ")";
    else if (same.sequence >= own.sequence) where = "has been here and gone on";
    else where = "is doing something else";
    count++;
    if (++named <= 8) missing += (missing.empty() ? "" : ", ") + name(r) + " " + where;
  }
  if (count > 8) missing += " and " + std::to_string(count - 8) + " more";
  if (missing.empty()) missing = "all ranks are there, so the network between them is slow or broken";
  return "it has waited " + seconds(waited) + " in " + own.what + "; " + missing;
}

Problem World::finalize(double grace) {
  isEnding_ = true;
  if (isBroken_) return fault();
  if (Problem problem = begin(STEP, "the end of the process")) return problem;
  std::vector<MPI_Request> requests(1);
  if (Problem problem = start([&] { return MPI_Ibarrier(control_, &requests[0]); })) return problem;
  if (Problem problem = wait(requests, STEP, grace > 0 ? grace : limit.load())) return problem;
  std::lock_guard<std::mutex> lock(mpi_);
  isClosed_ = true;
  MPI_Finalize();
  return {};
}

void World::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  _exit(status);
}

std::string World::name(int r) const { return "rank " + std::to_string(r) + " (" + machines_[r] + ")"; }

}  // namespace ranks
