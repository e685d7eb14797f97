import { defineService, type ServiceRef } from '@hookline/core';
import type { Schedule } from './schedule.ts';

export const lrScheduleRef: ServiceRef<Schedule> = defineService<Schedule>('lrSchedule', {
  description: 'the learning-rate schedule, for an lr-scheduler that is given none',
});
