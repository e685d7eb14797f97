// What JavaScript calls, by Node-API. Operations of the host run on a thread of their own, in the order of the calls, and answer by
// a promise; the thread also answers other ranks that ask where this one is.
#include <node_api.h>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>
#include "all-reduce-op.h"
#include "world.h"

namespace {
using ranks::HostOperation;
using ranks::Problem;
using ranks::World;

struct Job {
  HostOperation operation;
  napi_deferred deferred;
};

// Never destroyed: at the process's end the destructor of a condition variable would wait for the thread that waits on it.
std::mutex& mutex = *new std::mutex;
std::condition_variable& changed = *new std::condition_variable;
std::deque<Job*>& jobs = *new std::deque<Job*>;
napi_threadsafe_function deliver = nullptr;
int pending = 0;

napi_value text(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.c_str(), value.size(), &result);
  return result;
}

napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

/// `undefined` where all is well, else [code, text].
napi_value problemOf(napi_env env, const Problem& problem) {
  napi_value result;
  if (!problem) {
    napi_get_undefined(env, &result);
    return result;
  }
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, text(env, problem.code));
  napi_set_element(env, result, 1, text(env, problem.text));
  return result;
}

std::string stringOf(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string result(length, 0);
  napi_get_value_string_utf8(env, value, &result[0], length + 1, &length);
  return result;
}

double doubleOf(napi_env env, napi_value value) {
  double result = 0;
  napi_get_value_double(env, value, &result);
  return result;
}

template <size_t N>
void arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
}

void loop() {
  for (;;) {
    Job* job = nullptr;
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait_for(lock, std::chrono::milliseconds(100), [] { return !jobs.empty(); });
      if (!jobs.empty()) {
        job = jobs.front();
        jobs.pop_front();
      }
    }
    World::instance().answer();
    if (job == nullptr) continue;
    World::instance().run(job->operation);
    napi_call_threadsafe_function(deliver, job, napi_tsfn_blocking);
  }
}

/// On the main thread: settles the promise of an operation, with a problem or with buffers.
void settle(napi_env env, napi_value, void*, void* data) {
  auto* job = static_cast<Job*>(data);
  if (env != nullptr) {
    napi_value result, failed = problemOf(env, job->operation.problem), buffers;
    napi_create_object(env, &result);
    napi_create_array(env, &buffers);
    for (size_t i = 0; i < job->operation.result.size(); i++) {
      const auto& bytes = job->operation.result[i];
      void* memory = nullptr;
      napi_value buffer;
      napi_create_arraybuffer(env, bytes.size(), &memory, &buffer);
      if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
      napi_set_element(env, buffers, static_cast<uint32_t>(i), buffer);
    }
    napi_set_named_property(env, result, "problem", failed);
    napi_set_named_property(env, result, "buffers", buffers);
    napi_resolve_deferred(env, job->deferred, result);
    if (--pending == 0) napi_unref_threadsafe_function(env, deliver);
  }
  delete job;
}

napi_value version(napi_env env, napi_callback_info) {
  char name[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(name, &length);
  return text(env, name);
}

/// join(limit): waits for all ranks; { rank, size, localRank, localSize }, or what is wrong.
napi_value join(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  arguments(env, info, values);
  World& world = World::instance();
  world.limit = doubleOf(env, values[0]);
  if (!world.hasJoined()) {
    if (Problem problem = world.join()) return problemOf(env, problem);
    napi_value name = text(env, "hookline ranks");
    napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, settle, &deliver);
    napi_unref_threadsafe_function(env, deliver);
    std::thread(loop).detach();
  }
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "rank", number(env, world.rank));
  napi_set_named_property(env, result, "size", number(env, world.size));
  napi_set_named_property(env, result, "localRank", number(env, world.localRank));
  napi_set_named_property(env, result, "localSize", number(env, world.localSize));
  return result;
}

/// run(kind, root, bytes: Uint8Array, what): Promise<{ problem, buffers }>
napi_value run(napi_env env, napi_callback_info info) {
  napi_value values[4], promise;
  arguments(env, info, values);
  auto* job = new Job;
  HostOperation& operation = job->operation;
  operation.kind = static_cast<ranks::Kind>(static_cast<int>(doubleOf(env, values[0])));
  operation.root = static_cast<int>(doubleOf(env, values[1]));
  operation.what = stringOf(env, values[3]);
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, values[2], nullptr, &length, &data, nullptr, nullptr);
  if (length > 0) operation.bytes.assign(static_cast<uint8_t*>(data), static_cast<uint8_t*>(data) + length);
  napi_create_promise(env, &job->deferred, &promise);
  if (pending++ == 0) napi_ref_threadsafe_function(env, deliver);
  {
    std::lock_guard<std::mutex> lock(mutex);
    jobs.push_back(job);
  }
  changed.notify_one();
  return promise;
}

/// reduce(numbers: Float32Array, scale): sums in place over all ranks; blocks. For steps on backends without the op.
napi_value reduce(napi_env env, napi_callback_info info) {
  napi_value values[2];
  arguments(env, info, values);
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, values[0], nullptr, &length, &data, nullptr, nullptr);
  auto* numbers = static_cast<float*>(data);
  const auto scale = static_cast<float>(doubleOf(env, values[1]));
  const char* what = "the all-reduce of a step";
  return problemOf(env, World::instance().reduce({numbers}, {numbers}, {static_cast<int64_t>(length)}, scale, what));
}

napi_value registerOp(napi_env env, napi_callback_info info) {
  napi_value values[1];
  arguments(env, info, values);
  return text(env, ranks::registerAllReduceOp(stringOf(env, values[0]).c_str()));
}

napi_value communicate(napi_env env, napi_callback_info info) {
  napi_value values[1];
  arguments(env, info, values);
  bool value = true;
  napi_get_value_bool(env, values[0], &value);
  ranks::setCommunicates(value);
  return nullptr;
}

/// Milliseconds in all-reduces of steps since the last call, and how many there were.
napi_value spent(napi_env env, napi_callback_info) {
  World& world = World::instance();
  napi_value result;
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, number(env, world.spent * 1000));
  napi_set_element(env, result, 1, number(env, static_cast<double>(world.calls)));
  world.spent = 0;
  world.calls = 0;
  return result;
}

/// Numbers of the ranks whose own numbers were infinite or NaN in all-reduces of the step in progress.
napi_value notFinite(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_array(env, &result);
  uint32_t place = 0;
  for (int rank : World::instance().notFinite()) napi_set_element(env, result, place++, number(env, rank));
  return result;
}

/// leaveStep(): all-reduces of the other ranks in the step in progress fail.
napi_value leaveStep(napi_env, napi_callback_info) {
  World::instance().leaveStep();
  return nullptr;
}

napi_value fault(napi_env env, napi_callback_info) { return problemOf(env, World::instance().fault()); }

/// finalize(grace): the end of MPI; a problem is returned, and the caller aborts.
napi_value finalize(napi_env env, napi_callback_info info) {
  napi_value values[1];
  arguments(env, info, values);
  return problemOf(env, World::instance().finalize(doubleOf(env, values[0])));
}

napi_value abortRanks(napi_env env, napi_callback_info info) {
  napi_value values[1];
  arguments(env, info, values);
  World::instance().abort(static_cast<int>(doubleOf(env, values[0])));
}

int statusAtExit = 0;

/// abortAtExit(status): ends all ranks once this process has said what it has to say.
napi_value abortAtExit(napi_env env, napi_callback_info info) {
  napi_value values[1];
  arguments(env, info, values);
  const bool isFirst = statusAtExit == 0;
  statusAtExit = static_cast<int>(doubleOf(env, values[0]));
  if (isFirst) std::atexit([] { World::instance().abort(statusAtExit); });
  return nullptr;
}

napi_value init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"version", version},         {"join", join},   {"run", run},     {"reduce", reduce},     {"registerOp", registerOp},
                   {"communicate", communicate}, {"spent", spent}, {"fault", fault}, {"finalize", finalize}, {"abort", abortRanks},
                   {"abortAtExit", abortAtExit}, {"notFinite", notFinite}, {"leaveStep", leaveStep}};
  for (const auto& each : functions) {
    napi_value function;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.call, nullptr, &function);
    napi_set_named_property(env, exports, each.name, function);
  }
  return exports;
}
}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
