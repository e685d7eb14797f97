// The op HooklineAllReduce: N float32 tensors in, their sums over all ranks times `scale` out.
//
// It is a synchronous kernel, and the graph chains these ops by control edges, so that all ranks meet in the same order. (An
// asynchronous one is told the end by the address of a callback on TensorFlow's stack, which is gone once the kernel has returned.)
//
// TensorFlow's C API has opaque pointers and numbers alone, so that its functions are looked up in the library that is loaded, and
// neither its headers nor itself are needed to build this: a machine without it can use the rest.
#include "all-reduce-op.h"
#include <dlfcn.h>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>
#include "world.h"

namespace ranks {
namespace {
struct TF_Status;
struct TF_Tensor;
struct TF_OpKernelContext;
struct TF_OpKernelConstruction;
struct TF_KernelBuilder;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_ShapeHandle;
constexpr int TF_OK = 0, TF_UNAVAILABLE = 14;

#define FUNCTIONS(F)                                                                                                           \
  F(TF_Status*, TF_NewStatus, ())                                                                                              \
  F(void, TF_DeleteStatus, (TF_Status*))                                                                                       \
  F(void, TF_SetStatus, (TF_Status*, int, const char*))                                                                        \
  F(int, TF_GetCode, (const TF_Status*))                                                                                       \
  F(const char*, TF_Message, (const TF_Status*))                                                                               \
  F(void, TF_DeleteTensor, (TF_Tensor*))                                                                                       \
  F(int, TF_NumDims, (const TF_Tensor*))                                                                                       \
  F(int64_t, TF_Dim, (const TF_Tensor*, int))                                                                                  \
  F(size_t, TF_TensorByteSize, (const TF_Tensor*))                                                                             \
  F(void*, TF_TensorData, (const TF_Tensor*))                                                                                  \
  F(void, TF_GetInput, (TF_OpKernelContext*, int, TF_Tensor**, TF_Status*))                                                    \
  F(void, TF_SetOutput, (TF_OpKernelContext*, int, const TF_Tensor*, TF_Status*))                                              \
  F(TF_Tensor*, TF_ForwardInputOrAllocateOutput,                                                                               \
    (TF_OpKernelContext*, const int*, int, int, const int64_t*, int, int*, TF_Status*))                                        \
  F(void, TF_OpKernelContext_Failure, (TF_OpKernelContext*, TF_Status*))                                                       \
  F(void, TF_OpKernelConstruction_Failure, (TF_OpKernelConstruction*, TF_Status*))                                             \
  F(void, TF_OpKernelConstruction_GetAttrInt64, (TF_OpKernelConstruction*, const char*, int64_t*, TF_Status*))                 \
  F(void, TF_OpKernelConstruction_GetAttrFloat, (TF_OpKernelConstruction*, const char*, float*, TF_Status*))                   \
  F(TF_KernelBuilder*, TF_NewKernelBuilder,                                                                                    \
    (const char*, const char*, void* (*)(TF_OpKernelConstruction*), void (*)(void*, TF_OpKernelContext*), void (*)(void*)))    \
  F(void, TF_KernelBuilder_HostMemory, (TF_KernelBuilder*, const char*))                                                       \
  F(void, TF_RegisterKernelBuilder, (const char*, TF_KernelBuilder*, TF_Status*))                                              \
  F(TF_OpDefinitionBuilder*, TF_NewOpDefinitionBuilder, (const char*))                                                         \
  F(void, TF_OpDefinitionBuilderAddAttr, (TF_OpDefinitionBuilder*, const char*))                                               \
  F(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder*, const char*))                                              \
  F(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder*, const char*))                                             \
  F(void, TF_OpDefinitionBuilderSetIsStateful, (TF_OpDefinitionBuilder*, bool))                                                \
  F(void, TF_OpDefinitionBuilderSetShapeInferenceFunction,                                                                     \
    (TF_OpDefinitionBuilder*, void (*)(TF_ShapeInferenceContext*, TF_Status*)))                                                \
  F(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder*, TF_Status*))                                                      \
  F(int64_t, TF_ShapeInferenceContextNumInputs, (TF_ShapeInferenceContext*))                                                   \
  F(TF_ShapeHandle*, TF_NewShapeHandle, ())                                                                                    \
  F(void, TF_DeleteShapeHandle, (TF_ShapeHandle*))                                                                             \
  F(void, TF_ShapeInferenceContextGetInput, (TF_ShapeInferenceContext*, int, TF_ShapeHandle*, TF_Status*))                     \
  F(void, TF_ShapeInferenceContextSetOutput, (TF_ShapeInferenceContext*, int, TF_ShapeHandle*, TF_Status*))

#define DECLARE(result, name, arguments) result(*name) arguments = nullptr;
FUNCTIONS(DECLARE)

const char* OP = "HooklineAllReduce";
std::atomic<bool> communicates{true};

struct Kernel {
  int64_t count;
  float scale;
};

void* create(TF_OpKernelConstruction* construction) {
  auto* kernel = new Kernel{};
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt64(construction, "N", &kernel->count, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(construction, "scale", &kernel->scale, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return kernel;
}

void destroy(void* kernel) { delete static_cast<Kernel*>(kernel); }

void compute(void* state, TF_OpKernelContext* context) {
  const auto& kernel = *static_cast<Kernel*>(state);
  TF_Status* status = TF_NewStatus();
  std::vector<TF_Tensor*> tensors;
  std::vector<const float*> in;
  std::vector<float*> out;
  std::vector<int64_t> counts;
  bool isPending = false;
  for (int64_t i = 0; i < kernel.count && TF_GetCode(status) == TF_OK; i++) {
    const int place = static_cast<int>(i);
    TF_Tensor* input = nullptr;
    TF_GetInput(context, place, &input, status);
    if (TF_GetCode(status) != TF_OK) break;
    tensors.push_back(input);
    if (!communicates) {
      TF_SetOutput(context, place, input, status);
      continue;
    }
    std::vector<int64_t> shape(TF_NumDims(input));
    for (size_t axis = 0; axis < shape.size(); axis++) shape[axis] = TF_Dim(input, static_cast<int>(axis));
    int forwarded = -1;
    TF_Tensor* output = TF_ForwardInputOrAllocateOutput(context, &place, 1, place, shape.data(), static_cast<int>(shape.size()),
                                                        &forwarded, status);
    if (TF_GetCode(status) != TF_OK) break;
    tensors.push_back(output);
    in.push_back(static_cast<const float*>(TF_TensorData(input)));
    out.push_back(static_cast<float*>(TF_TensorData(output)));
    counts.push_back(static_cast<int64_t>(TF_TensorByteSize(input) / sizeof(float)));
  }
  if (TF_GetCode(status) == TF_OK && communicates) {
    const Problem problem = World::instance().reduce(in, out, counts, kernel.scale, "the all-reduce of a step");
    if (problem) {
      TF_SetStatus(status, TF_UNAVAILABLE, (problem.code + ": " + problem.text).c_str());
      // MPI may still read and write these tensors, so that they are never freed.
      isPending = true;
    }
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  if (!isPending)
    for (TF_Tensor* tensor : tensors) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

void inferShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  const int64_t count = TF_ShapeInferenceContextNumInputs(context);
  for (int i = 0; i < count && TF_GetCode(status) == TF_OK; i++) {
    TF_ShapeHandle* shape = TF_NewShapeHandle();
    TF_ShapeInferenceContextGetInput(context, i, shape, status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, i, shape, status);
    TF_DeleteShapeHandle(shape);
  }
}
}  // namespace

void setCommunicates(bool value) { communicates = value; }

std::string registerAllReduceOp(const char* framework) {
  static bool isRegistered = false;
  if (isRegistered) return "";
  void* library = dlopen(framework, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return std::string(framework) + " is not loaded in this process";
  std::string missing;
#define LOOK_UP(result, name, arguments)                                  \
  name = reinterpret_cast<result(*) arguments>(dlsym(library, #name));    \
  if (name == nullptr) missing += std::string(missing.empty() ? "" : ", ") + #name;
  FUNCTIONS(LOOK_UP)
  if (!missing.empty()) return "this TensorFlow lacks " + missing;
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(OP);
  TF_OpDefinitionBuilderAddAttr(op, "N: int >= 1");
  TF_OpDefinitionBuilderAddAttr(op, "scale: float = 1.0");
  TF_OpDefinitionBuilderAddInput(op, "inputs: N * float");
  TF_OpDefinitionBuilderAddOutput(op, "outputs: N * float");
  // So that TensorFlow neither merges two of them nor computes one ahead.
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, inferShapes);
  TF_RegisterOpDefinition(op, status);
  for (const char* device : {"CPU", "GPU"}) {
    if (TF_GetCode(status) != TF_OK) break;
    TF_KernelBuilder* builder = TF_NewKernelBuilder(OP, device, create, compute, destroy);
    // On a GPU TensorFlow copies to the host and back.
    TF_KernelBuilder_HostMemory(builder, "inputs");
    TF_KernelBuilder_HostMemory(builder, "outputs");
    TF_RegisterKernelBuilder(OP, builder, status);
  }
  std::string problem = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  isRegistered = problem.empty();
  return problem;
}

}  // namespace ranks
