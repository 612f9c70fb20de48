export * from './core/index.ts'
export * from './discovery/index.ts'
