export * from '../lint/index.ts'
export { busBackendConformance } from './bus-backend/bus-backend-conformance.ts'
export type {
  BackendUnderTest,
  BusBackendConformanceOptions,
  MakeBackend,
  Mortal,
  Victim,
  VictimPublisher,
} from './bus-backend/subject.ts'
export type { ConformanceCase } from './conformance-case.ts'
export { type EventSetConformanceOptions, eventSetConformance } from './event-set-conformance.ts'
export { expectPublished } from './expect-published.ts'
export { type FakeClock, type FakeClockOptions, fakeClock } from './fake-clock.ts'
export { type RecordingBackend, recordingBackend } from './recording-backend.ts'
