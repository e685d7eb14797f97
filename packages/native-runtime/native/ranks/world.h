// The processes of an MPI job as one process sees them: all of MPI that Hookline uses.
//
// MPI is asked for MPI_THREAD_SERIALIZED alone: every call is made under one lock, and whoever waits asks MPI_Test again and
// again and lets go of the lock in between. So no wait can block another one, each has a time limit, and a wait takes no core from
// other processes for long.
#pragma once
#include <mpi.h>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace ranks {

/// What went wrong: a code of Hookline's, and a sentence. An empty code means that nothing did.
struct Problem {
  std::string code, text;
  explicit operator bool() const { return !code.empty(); }
};

/// Operations of the step (TensorFlow's threads and the main one) and those of the host (a thread of their own) are counted apart.
enum Lane { STEP = 0, HOST = 1, LANES = 2 };

/// Where a process is, as it answers others that have waited for it too long.
struct Place {
  int64_t isWaiting, sequence;
  char what[112];
};

struct Answer {
  Place places[LANES];
  int64_t isEnding;
};
/// What a rank tells the others that leaves a step: the operations of each lane that it has taken part in.
struct Leave {
  int64_t sequence[LANES];
};

enum Kind { BARRIER = 1, BROADCAST = 2, GATHER = 3, SUM = 4, MAX = 5, MIN = 6 };

/// An operation of the host.
struct HostOperation {
  Kind kind;
  int root;
  std::string what;
  std::vector<uint8_t> bytes;
  /// What comes out: one element, or one for each rank where bytes are gathered.
  std::vector<std::vector<uint8_t>> result;
  Problem problem;
};

class World {
 public:
  int rank = 0, size = 1, localRank = 0, localSize = 1;
  /// Seconds that an operation may wait; 0: for ever.
  std::atomic<double> limit{600};
  /// Seconds spent in all-reduces of the step, and their number.
  double spent = 0;
  int64_t calls = 0;

  /// Never destroyed: threads use it until the process is gone.
  static World& instance();

  /// MPI_Init and what follows from it; waits until all ranks are there.
  Problem join();
  bool hasJoined() const { return joined_; }

  /// Sums over all ranks, times `scale`. `in` and `out` may be the same.
  Problem reduce(const std::vector<const float*>& in, const std::vector<float*>& out, const std::vector<int64_t>& counts,
                 float scale, const char* what);

  /// An operation of the host, on the thread for these.
  void run(HostOperation& operation);

  /// Tells other ranks where this one is; on the thread for operations of the host, some times a second.
  void answer();

  /// Tells the other ranks that this one takes part in no further all-reduce of the step in progress: theirs fail then.
  void leaveStep();
  /// Ranks whose own numbers were infinite or NaN in all-reduces of the step in progress.
  std::vector<int> notFinite();
  /// Ends MPI. `grace`: seconds that the other ranks may take to end as well. On a problem the caller aborts.
  Problem finalize(double grace);

  [[noreturn]] void abort(int status);

  /// The first problem after which no operation can work any more, else the one that the last all-reduce of a step ended with.
  Problem fault();

 private:
  std::mutex mpi_, state_, asking_;
  bool joined_ = false, isClosed_ = false;
  std::atomic<bool> isEnding_{false}, isBroken_{false};
  MPI_Comm step_, host_, control_;
  std::vector<std::string> machines_;
  Place places_[LANES] = {};
  Problem fault_, stepFault_;
  /// By rank: what the one that has left a step has told.
  std::vector<Leave> left_;
  /// An all-reduce of a step was given up, so that another one of that communicator would meet it.
  std::atomic<bool> isStepBroken_{false};
  std::vector<int> notFinite_;
  /// Operations of the host that had begun when `notFinite_` was found.
  int64_t notFiniteAt_ = 0;
  std::vector<float> pack_;
  struct Reply {
    Answer answer;
    MPI_Request request;
  };
  std::vector<Reply*> replies_;

  Problem begin(Lane lane, const std::string& what);
  void end(Lane lane);
  /// Makes a call that begins something, under the lock.
  Problem start(const std::function<int()>& call);
  Problem wait(std::vector<MPI_Request>& requests, Lane lane, double limit);
  Problem wait(MPI_Request& request, Lane lane);
  Problem fail(const std::string& code, const std::string& text);
  Problem failed(int status);
  /// Takes in, under the lock, what ranks have told that leave a step.
  void hear();
  /// A rank that the all-reduce in progress waits for in vain, or -1.
  int absent();
  /// The problem of an all-reduce that a rank does not come to.
  Problem without(int rank);
  /// Finds out which ranks brought numbers that are not finite.
  Problem findNotFinite(bool isOwn);
  /// Another communicator for steps in the place of one with an all-reduce that was given up. All ranks call it.
  Problem renewStep();
  std::string whoIsMissing(Lane lane, double waited);
  Problem headers(HostOperation& operation, std::vector<int64_t>& lengths);
  std::string name(int rank) const;
  Place placeOf(Lane lane);
};

}  // namespace ranks
